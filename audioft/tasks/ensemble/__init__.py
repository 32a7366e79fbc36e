"""Several trained models joined into one."""
