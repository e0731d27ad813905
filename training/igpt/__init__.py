"""Image GPT from photographs to a bundle that the Worker serves.

A module here is a command, `python -m igpt.NAME`; folders hold what the commands are made of.
"""

LAYERS = ("data", "model", "bundle", "reference", "training", "evaluation", "importing", "cli")
"""The folders. One imports only from those before it, and nothing imports a command (tests/test_imports.py)."""
