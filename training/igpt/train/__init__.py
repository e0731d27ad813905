"""Training: photographs to crops (`crops`), the update (`optimiser`, `schedule`), a run (`trainer`, `start`, `journal`), the device."""
