"""An encoder that learns from recordings without labels."""
