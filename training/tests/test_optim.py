from __future__ import annotations

import pytest
import torch

from igpt.model import Config, ImageGPT
from igpt.optim import Average, Muon, build_optimisers, orthogonalise, set_rate
from igpt.schedule import decay_factor, warmup_factor


@pytest.mark.parametrize("shape", [(16, 16), (48, 16), (16, 48), (3, 24, 8)])
def test_orthogonalised_singular_values_are_about_one(shape: tuple[int, ...]) -> None:
    values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
    assert values.min() > 0.3 and values.max() < 1.3


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(3, 128, 128), (1, 512, 128), (128, 512)])
def test_matrices_of_any_condition_end_near_one_in_either_precision(shape: tuple[int, ...], precision: torch.dtype) -> None:
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ (torch.linspace(0.05, 1.0, 128)[:, None] * v)
    result = orthogonalise(matrix, precision=precision)
    values = torch.linalg.svdvals(result)
    assert result.dtype == torch.float32 and result.shape == shape
    assert values.min() > 0.65 and values.max() < 1.25
    assert torch.nn.functional.cosine_similarity(result.flatten(), (u @ v).flatten(), dim=0) > 0.98


def test_orthogonalising_keeps_the_singular_vectors() -> None:
    matrix = torch.randn(12, 8)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    cosine = torch.nn.functional.cosine_similarity(orthogonalise(matrix).flatten(), (u @ v).flatten(), dim=0)
    assert cosine > 0.97


def test_stacked_matrices_are_orthogonalised_each_for_itself() -> None:
    stacked, first = torch.nn.Parameter(torch.zeros(24, 8)), torch.nn.Parameter(torch.zeros(8, 8))
    gradient = torch.randn(24, 8)
    gradient[8:] *= 100
    stacked.grad, first.grad = gradient, gradient[:8].clone()
    Muon([{"params": [stacked], "splits": 3}], lr=0.1, weight_decay=0).step()
    Muon([first], lr=0.1, weight_decay=0).step()
    assert torch.allclose(stacked[:8], first, atol=1e-6)
    assert stacked[8:].norm() < 3 * first.norm()


def test_muon_does_not_depend_on_its_threads() -> None:
    results = []
    for threads in (1, 3):
        torch.manual_seed(1)
        weights = [torch.nn.Parameter(torch.randn(16, 8)) for _ in range(5)]
        optimiser = Muon(weights, threads=threads)
        for _ in range(3):
            for weight in weights:
                weight.grad = weight.detach().sin()
            optimiser.step()
        results.append(torch.stack([weight.detach() for weight in weights]))
    assert results[0].equal(results[1])


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_every_parameter_is_updated_once(kind: str) -> None:
    model = ImageGPT(Config(2, 32, 2, 16, 8))
    optimisers = build_optimisers(model, kind, 0.01, 0.01, 0.0)
    owned = [id(p) for optimiser in optimisers for group in optimiser.param_groups for p in group["params"]]
    assert sorted(owned) == sorted(id(p) for p in model.parameters())


def test_an_unknown_optimiser() -> None:
    with pytest.raises(ValueError, match="muon or adamw"):
        build_optimisers(ImageGPT(Config(1, 32, 1, 16, 8)), "sgd", 0.1, 0.1, 0.0)


def test_rates_follow_their_base() -> None:
    optimisers = build_optimisers(ImageGPT(Config(1, 32, 1, 16, 8)), "muon", 0.02, 0.004, 0.0)
    set_rate(optimisers, 0.5)
    assert [group["lr"] for optimiser in optimisers for group in optimiser.param_groups] == [0.01, 0.01, 0.002]


def test_schedule() -> None:
    assert [warmup_factor(step, 4) for step in (0, 1, 3, 4, 1000)] == [0.25, 0.5, 1, 1, 1]
    assert warmup_factor(0, 0) == 1
    assert [decay_factor(progress) for progress in (0, 0.25, 1, 1.1)] == [1, 0.75, 0, 0]


def test_the_average_follows_and_lags() -> None:
    model = torch.nn.Linear(4, 4)
    average = Average(model, 0.9)
    start = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.add_(1.0)
    distances = []
    for _ in range(60):
        average.update(model)
        distances.append((average.weights["weight"] - model.weight).abs().max().item())
    assert 0 < distances[0] < 1 and distances == sorted(distances, reverse=True) and distances[-1] < 0.02
    assert not torch.equal(start, average.weights["weight"])
