"""Labels of a finished model renamed, left out or merged."""
