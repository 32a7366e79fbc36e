"""A saved model measured on labelled recordings."""
