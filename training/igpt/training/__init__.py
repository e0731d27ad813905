"""A run: what it starts from, its updates, its progress."""
