"""Reference values: what PyTorch says of fixed inputs, for every engine to be held against."""
