"""What folders and tables of other programs hold, and by which names."""
