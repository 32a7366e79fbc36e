"""A whole model out of an adapter and its encoder."""
