"""All poolings and heads there are."""

from audioft.models import merged_rows, prototypes, tdnn  # importing a module enters its parts
from audioft.models.heads import heads
from audioft.models.pooling import poolings

__all__ = ["heads", "merged_rows", "poolings", "prototypes", "tdnn"]
