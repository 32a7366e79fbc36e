"""From a pooled vector to one logit a label."""
