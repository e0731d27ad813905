"""A model as the Worker reads it: weights, manifest, index."""
