"""A model's measures: pictures to tokens, tokens to nats and features, these to numbers and drawings."""
