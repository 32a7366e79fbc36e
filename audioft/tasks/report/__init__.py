"""What a model can stand, for whom it works and what it listens to, in one page and in its model card."""
