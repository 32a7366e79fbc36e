"""Copies of recordings with augmentations applied."""
