"""Inputs as people have them, made by small functions, each with what must come out."""
