"""A folder of recordings as a memory-mapped dataset, and its divisions."""
