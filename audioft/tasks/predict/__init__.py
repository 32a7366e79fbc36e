"""New recordings labelled, as a whole or over time."""
