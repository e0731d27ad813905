"""Checkpoints of others in our form."""
