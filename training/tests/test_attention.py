"""The native attention against PyTorch's in float32. Skipped where the processor cannot run it."""

from __future__ import annotations

import pytest
import torch

from igpt.model import Config, ImageGPT, causal_attention
from igpt.native import Unavailable
from igpt.native.attention import fast_attention
from igpt.step import TorchStep


@pytest.fixture(autouse=True)
def _runs_here() -> None:
    try:
        fast_attention()
    except Unavailable as reason:
        pytest.skip(str(reason))


def difference(value: torch.Tensor, expected: torch.Tensor) -> float:
    return ((value.float() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize(
    ("batch", "length", "heads", "width"), [(1, 64, 1, 32), (3, 128, 2, 64), (2, 192, 5, 32), (1, 1024, 8, 32), (1, 448, 3, 64)]
)
@pytest.mark.parametrize("size", [0.1, 1.0, 5.0])
def test_values_and_gradients_are_those_of_pytorch(batch: int, length: int, heads: int, width: int, size: float) -> None:
    qkv = (size * torch.randn(batch, length, 3 * heads * width)).bfloat16().requires_grad_()
    gradient = torch.randn(batch, length, heads * width).bfloat16()
    mixed = fast_attention()(qkv, heads)
    mixed.backward(gradient)
    exact = qkv.detach().float().requires_grad_()
    expected = causal_attention(exact, heads)
    expected.backward(gradient.float())
    assert mixed.dtype == qkv.grad.dtype == torch.bfloat16
    # A bfloat16 is within 0.2% of its number on average, and weights and gradients of scores are rounded too.
    assert difference(mixed, expected.detach()) < 0.003
    for n, (part, whole) in enumerate(zip(qkv.grad.chunk(3, -1), exact.grad.chunk(3, -1), strict=True)):
        assert difference(part, whole) < 0.01, "query key value".split()[n]


def test_scores_that_only_a_shift_keeps_finite() -> None:
    qkv = torch.full((1, 128, 96), 30.0).bfloat16()
    qkv[:, :, 64:] = torch.randn(1, 128, 32)
    mixed = fast_attention()(qkv, 1)
    assert difference(mixed, causal_attention(qkv.float(), 1)) < 0.003


def test_a_position_is_not_changed_by_later_ones() -> None:
    qkv = torch.randn(1, 128, 96).bfloat16()
    other = qkv.clone()
    other[:, 71:] = torch.randn(1, 57, 96)
    before, after = (fast_attention()(each, 1) for each in (qkv, other))
    assert before[:, :71].equal(after[:, :71]) and not before[:, 71].equal(after[:, 71])


def test_what_does_not_fit_is_left_to_pytorch() -> None:
    for qkv, heads in ((torch.randn(1, 64, 96), 1), (torch.randn(1, 60, 96).bfloat16(), 1), (torch.randn(1, 64, 96).bfloat16(), 2)):
        assert fast_attention()(qkv, heads).equal(causal_attention(qkv, heads))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("heads", [2, 1])
def test_a_step_has_the_gradients_of_float32_within_the_rounding_of_bfloat16(heads: int, compiled: bool) -> None:
    model = ImageGPT(Config(2, 64, heads, 128, 32))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "ln_" not in name:
                weight.normal_(0.0, 0.1)
    names = list(model.state_dict())
    tokens = torch.randint(0, 32, (4, 128))
    gradients = {}
    for bfloat16 in (False, True):
        loss, finite = TorchStep(model, 2, compiled=compiled and bfloat16, bfloat16=bfloat16)(tokens)
        assert finite
        gradients[bfloat16] = loss, torch.cat([weight.grad.flatten() for weight in model.parameters()])
    assert all(block.attn.mix is fast_attention() for block in model.blocks) and list(model.state_dict()) == names
    assert gradients[True][0] == pytest.approx(gradients[False][0], rel=1e-2)
    assert 0 < difference(gradients[True][1], gradients[False][1]) < 0.03
