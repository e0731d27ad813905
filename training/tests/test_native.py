"""The native step against PyTorch's own gradients. Skipped where the processor cannot run it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from igpt.model import Config, ImageGPT
from igpt.native import NativeStep, Unavailable
from igpt.step import TorchStep, make_step


pytestmark = pytest.mark.usefixtures("native_library")


def randomised(config: Config) -> ImageGPT:
    model = ImageGPT(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(1.0 if "ln_" in name else 0.0, 0.1 if "ln_" in name else 0.06)
    return model


@pytest.mark.parametrize(
    ("config", "pictures", "threads"),
    [
        (Config(2, 128, 4, 256, 128), 3, 2),
        (Config(1, 64, 1, 64, 64), 1, 1),
        (Config(3, 192, 6, 192, 512), 2, 3),
    ],
)
def test_loss_and_gradients_are_those_of_pytorch(config: Config, pictures: int, threads: int) -> None:
    model = randomised(config)
    tokens = torch.randint(0, config.colors, (pictures, config.positions))
    loss = F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())
    loss.backward()
    expected = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    step = NativeStep(model, config.positions, threads)
    value, finite = step(tokens)
    assert finite
    assert value == pytest.approx(loss.item(), abs=2e-3)
    for name, weight in model.named_parameters():
        error = (weight.grad - expected[name]).norm() / expected[name].norm()
        assert error < 0.01, f"{name}: relative error {error:.4f}"


def test_nats_of_every_pixel() -> None:
    config = Config(2, 128, 2, 128, 64)
    model = randomised(config)
    tokens = torch.randint(0, 64, (3, 128))
    with torch.no_grad():
        expected = F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten(), reduction="none").view(3, 128)
    assert (NativeStep(model, 128, 2).nats(tokens) - expected).abs().max() < 0.03


def test_the_result_does_not_depend_on_the_order_of_pictures() -> None:
    config = Config(2, 64, 2, 64, 64)
    model = randomised(config)
    step = NativeStep(model, 64, 1)
    tokens = torch.randint(0, 64, (4, 64))
    step(tokens)
    first = step.gradients.clone()
    step(tokens.flip(0))
    assert torch.allclose(first, step.gradients, atol=1e-6)


def test_an_overflow_is_told_and_the_scale_falls() -> None:
    model = randomised(Config(1, 64, 1, 64, 64))
    step = NativeStep(model, 64, 1, scale=1e6)
    _, finite = step(torch.randint(0, 64, (1, 64)))
    assert not finite and step.scale == 5e5


def test_what_it_cannot_do() -> None:
    with pytest.raises(Unavailable, match="biases"):
        NativeStep(ImageGPT(Config(1, 64, 1, 64, 64, bias=True)), 64, 1)
    with pytest.raises(Unavailable, match="multiples of 64"):
        NativeStep(ImageGPT(Config(1, 48, 2, 64, 64)), 64, 1)
    model = ImageGPT(Config(1, 48, 2, 64, 64))
    assert isinstance(make_step("auto", model, 64, 1, 4), TorchStep)
    step = NativeStep(ImageGPT(Config(1, 64, 1, 64, 64)), 64, 1)
    with pytest.raises(ValueError, match="32 tokens"):
        step(torch.zeros(1, 32, dtype=torch.int64))
