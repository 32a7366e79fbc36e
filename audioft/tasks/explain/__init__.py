"""Which moments and bands of a recording an answer rests on."""
