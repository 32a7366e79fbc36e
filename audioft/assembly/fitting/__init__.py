"""A model is fitted to the training side of its parts: from what is frozen, kept once, to the best epoch."""
