"""Whether this installation can work."""
