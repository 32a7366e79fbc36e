"""A small classifier that learns from a large one."""
