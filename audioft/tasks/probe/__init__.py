"""Encoders compared, layer by layer, before one is trained."""
