"""Pictures: files, pixels, tokens of a palette, crops to train on."""
