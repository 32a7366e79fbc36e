"""Settings that are searched for by measurement, on folds within the clips that are not tested."""
