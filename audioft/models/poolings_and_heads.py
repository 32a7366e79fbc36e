"""All poolings and heads there are."""

from audioft.models import tdnn  # importing a module enters its parts
from audioft.models.heads import cosine, merged_rows, prototypes
from audioft.models.heads.layouts import heads
from audioft.models.pooling import poolings

__all__ = ["cosine", "heads", "merged_rows", "poolings", "prototypes", "tdnn"]
