"""Parts of the data that fare worse than the rest: which, by how much, and whether that could be chance."""
