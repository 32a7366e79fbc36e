"""What a model can stand: its scores under disturbances of published strengths, and under attack."""
