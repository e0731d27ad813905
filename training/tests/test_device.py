from __future__ import annotations

import pytest
import torch

from igpt.model.device import choose_device


def test_a_device_that_is_not_here_is_refused_with_those_that_are() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(ValueError, match=r"no cuda device here; use one of .*cpu"):
        choose_device("cuda")


def test_the_processor_is_always_there() -> None:
    threads = torch.get_num_threads()
    device = choose_device("cpu", "float32", threads)
    assert (device.kind, device.bfloat16) == ("cpu", False)
    assert str(device) == f"{threads} threads (cpu, float32)"
    with choose_device("cpu", "bfloat16", threads).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
