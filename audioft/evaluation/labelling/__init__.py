"""A model over new recordings, whatever computes it; only `torch_labeller` imports torch."""
