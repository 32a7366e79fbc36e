"""Several models on the same clips: how good, whether they differ, what each costs, and which to take."""
