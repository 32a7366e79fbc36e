"""Numbers of things in messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural that ends in s but for one.

    >>> counted(1, "clip"), counted(0, "clip"), counted(1200, "label")
    ('1 clip', '0 clips', '1200 labels')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
