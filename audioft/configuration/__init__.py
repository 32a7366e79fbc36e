"""What can be set, its defaults, and how it is read and checked."""
