"""Settings of the process that decide the speed of a step on a CPU."""

from __future__ import annotations

import ctypes
import os

import torch

# glibc's <malloc.h>.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def configure(threads: int) -> None:
    """Sets the threads, flushes denormals, and keeps freed memory.

    Activations of tens of megabytes are otherwise mapped, zeroed page by page and unmapped at every use, which costs
    a quarter of the step.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if os.name == "posix":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_MAX, 0)
            mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
            mallopt(_M_TOP_PAD, 2**28)
