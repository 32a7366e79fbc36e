"""Several classifiers as one: how their answers are combined, their one pass, their folder, and soups of weights."""
