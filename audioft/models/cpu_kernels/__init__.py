"""Steps of transformers' models computed faster on a CPU; what comes out differs from theirs by rounding alone."""
