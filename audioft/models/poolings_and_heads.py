"""All poolings and heads there are."""

from audioft.models import embedding_heads, prototypes, tdnn  # importing a module enters its parts
from audioft.models.heads import heads
from audioft.models.pooling import poolings

__all__ = ["embedding_heads", "heads", "poolings", "prototypes", "tdnn"]
