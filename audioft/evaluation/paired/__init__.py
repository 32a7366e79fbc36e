"""Two models on the same clips: whether they differ by more than chance, and by how much."""
