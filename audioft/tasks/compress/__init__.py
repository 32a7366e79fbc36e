"""Smaller and faster models that are proved to agree."""
