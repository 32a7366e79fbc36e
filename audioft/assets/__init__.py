"""Encoders that come with the package, each a folder in transformers' format."""
