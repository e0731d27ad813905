from __future__ import annotations

import pytest
import torch

from igpt.model.network import Config, ImageGPT
from igpt.training.optimiser import Muon, build_optimisers, orthogonalise, set_rate
from igpt.training.schedule import rate_factor


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 48, 16), (3, 16, 48)])
def test_orthogonalised_singular_values_are_about_one(shape: tuple[int, ...]) -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.min() > 0.3 and values.max() < 1.3


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 128, 128), (1, 512, 128), (1, 128, 512)])
def test_matrices_of_any_condition_end_near_one_in_either_precision(shape: tuple[int, ...], precision: torch.dtype) -> None:
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ (torch.linspace(0.05, 1.0, 128)[:, None] * v)
    result = orthogonalise(matrix, precision=precision)
    values = torch.linalg.svdvals(result)
    assert result.dtype == torch.float32 and result.shape == shape
    assert values.min() > 0.65 and values.max() < 1.25
    assert torch.nn.functional.cosine_similarity(result.flatten(), (u @ v).flatten(), dim=0) > 0.98


def parameters(count: int, *shape: int) -> list[torch.nn.Parameter]:
    weights = [torch.nn.Parameter(torch.randn(shape)) for _ in range(count)]
    for weight in weights:
        weight.grad = torch.randn(shape)
    return weights


def test_matrices_of_a_shape_updated_together_end_as_each_for_itself() -> None:
    together = parameters(3, 16, 8)
    alone = [torch.nn.Parameter(weight.detach().clone()) for weight in together]
    for weight, other in zip(together, alone, strict=True):
        other.grad = weight.grad.clone()
    Muon([{"params": together}], lr=0.1).step()
    for weight in alone:
        Muon([{"params": [weight]}], lr=0.1).step()
    for weight, other in zip(together, alone, strict=True):
        assert torch.allclose(weight, other, atol=1e-6)


def test_query_key_and_value_are_orthogonalised_each_for_itself() -> None:
    stacked, first = torch.nn.Parameter(torch.zeros(24, 8)), torch.nn.Parameter(torch.zeros(8, 8))
    gradient = torch.randn(24, 8)
    gradient[8:] *= 100
    stacked.grad, first.grad = gradient, gradient[:8].clone()
    Muon([{"params": [stacked], "splits": 3}], lr=0.1, weight_decay=0).step()
    Muon([{"params": [first]}], lr=0.1, weight_decay=0).step()
    assert torch.allclose(stacked[:8], first, atol=1e-6)
    assert stacked[8:].norm() < 3 * first.norm()


def test_an_update_is_the_momentum_s_direction_at_the_rate() -> None:
    (weight,) = parameters(1, 8, 8)
    before, gradient = weight.detach().clone(), weight.grad.clone()
    Muon([{"params": [weight]}], lr=0.5, weight_decay=0).step()
    # The first step's look-ahead is a multiple of the gradient, and orthogonalising forgets the multiple.
    assert torch.allclose(before - weight, 0.5 * orthogonalise(gradient[None])[0], atol=1e-5)


def test_every_parameter_is_updated_once() -> None:
    model = ImageGPT(Config(2, 32, 2, 16, 8))
    optimisers = build_optimisers(model, 0.01, 0.01, 0.0)
    owned = [id(p) for optimiser in optimisers for group in optimiser.param_groups for p in group["params"]]
    assert sorted(owned) == sorted(id(p) for p in model.parameters())


def test_rates_follow_their_base() -> None:
    optimisers = build_optimisers(ImageGPT(Config(1, 32, 1, 16, 8)), 0.02, 0.004, 0.0)
    set_rate(optimisers, 0.5)
    assert [group["lr"] for optimiser in optimisers for group in optimiser.param_groups] == [0.01, 0.01, 0.002]


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    assert [rate_factor(step, 0.0, 4, 0.5) for step in (0, 1, 3, 4, 1000)] == [0.25, 0.5, 1, 1, 1]
    assert rate_factor(0, 0.0, 0, 0.5) == 1
    assert [rate_factor(100, progress, 4, 0.5) for progress in (0.49, 0.5, 0.75, 1.0)] == [1, 1, 0.5, 0]
    assert [rate_factor(100, progress, 4, 0.0) for progress in (0.0, 0.25, 1.0)] == [1, 0.75, 0]
