"""What a model computes in an exported graph where its own way asks for numbers of a batch."""
