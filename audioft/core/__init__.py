"""What any program needs; knows no audio."""
