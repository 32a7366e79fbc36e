"""Encoders made smaller: fewer layers, heads and units, and linear layers of eight bits; in memory and on disk."""
