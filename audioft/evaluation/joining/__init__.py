"""Several models on the same clips: how they are joined best, how unlike they are, and what each one adds."""
