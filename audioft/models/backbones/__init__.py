"""Encoders of one plan, a file a plan: each calls the modules of a transformers model one by one, padding kept out."""
