"""From recordings on disk to clips with targets: manifest, split, check; with torch, dataset and batches.

Nothing is imported here: listing and splitting clips must not wait for torch.
"""
