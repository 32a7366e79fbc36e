"""Encoders, poolings, heads, freezing, and the folder they are saved in."""
