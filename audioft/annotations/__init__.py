"""What happens when in a recording: events, read from and written to label files, and found in scores."""
