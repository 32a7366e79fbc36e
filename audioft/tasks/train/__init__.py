"""A classifier fine-tuned to the labels of recordings."""
