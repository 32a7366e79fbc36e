"""Whether a probability is one: how often what is said to be so sure is right."""
