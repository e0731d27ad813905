import numpy as np
import pytest
import torch

from igpt.evaluation.four_bits import round_offset, round_symmetric, rounded
from igpt.model.network import Config
from igpt.reference.cases import random_model

WEIGHT = np.random.default_rng(3).standard_normal((8, 64)).astype(np.float32)


@pytest.mark.parametrize("round_weight", [round_symmetric, round_offset])
def test_a_group_has_sixteen_values_and_no_more(round_weight) -> None:
    result = round_weight(WEIGHT, 32).reshape(-1, 32)
    assert max(len(np.unique(group)) for group in result) <= 16
    assert max(len(np.unique(group)) for group in result) > 8


def test_what_lies_on_the_grid_stays_there() -> None:
    levels = np.tile(np.arange(-8, 8, dtype=np.float32), (4, 2)) * 0.25
    assert np.array_equal(round_symmetric(levels, 32), levels)
    assert np.array_equal(round_symmetric(-levels, 32), -levels)
    assert np.allclose(round_offset(levels + 3, 32), levels + 3, atol=2e-3)
    assert np.array_equal(round_symmetric(np.zeros((2, 32), np.float32), 32), np.zeros((2, 32)))
    assert np.array_equal(round_offset(np.ones((2, 32), np.float32), 32), np.ones((2, 32)))


def test_finer_grids_err_less() -> None:
    def error(result: np.ndarray) -> float:
        return float(np.square(result - WEIGHT).mean())

    assert error(round_symmetric(WEIGHT, 16)) < error(round_symmetric(WEIGHT, 32)) < error(round_symmetric(WEIGHT, 64))
    assert error(round_offset(WEIGHT, 32)) < error(round_symmetric(WEIGHT, 32))
    # 16 levels over about +-2 deviations leave an error near step / sqrt(12).
    assert 0.03 < error(round_symmetric(WEIGHT, 32)) ** 0.5 < 0.15


def test_a_group_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="groups"):
        round_symmetric(WEIGHT, 48)


def test_only_linear_weights_that_are_not_kept_change() -> None:
    model = random_model(Config(layers=1, width=32, heads=2, positions=16, colors=32), 1)
    result = rounded(model, lambda weight: round_symmetric(weight, 32), ("qkv", "head"))
    changed = {name for name, p in result.named_parameters() if not torch.equal(p, model.get_parameter(name))}
    assert changed == {"blocks.0.attn.proj.weight", "blocks.0.mlp.fc.weight", "blocks.0.mlp.proj.weight"}
