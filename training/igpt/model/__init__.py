"""The network itself, its checkpoints, the device it runs on, its nats."""
