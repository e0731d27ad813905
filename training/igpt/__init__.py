"""Training of image GPT models: palette, data, model, optimisers."""
