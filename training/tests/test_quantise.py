import numpy as np
import pytest

from igpt.bundle.quantise import LARGEST, dequantise, quantise, round_to


def weights(rows: int = 24, columns: int = 64) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((rows, columns)).astype(np.float32)


def test_every_row_uses_its_own_scale() -> None:
    weight = weights() * np.geomspace(1e-4, 1e4, 24)[:, None].astype(np.float32)
    values, scale = quantise(weight)
    assert values.dtype == np.int8 and scale.dtype == np.float32 and scale.shape == (24,)
    assert np.abs(values).max(axis=1).min() == LARGEST
    error = np.abs(dequantise(values, scale) - weight)
    inside = np.abs(weight) <= LARGEST * scale[:, None]
    # Rounding is off by half a step at most; what was clipped is off by more.
    assert (error[inside] <= (0.5 * scale[:, None] * np.ones_like(weight))[inside] * 1.0001).all()


def test_searched_scales_are_never_worse_than_the_widest() -> None:
    weight = weights()
    weight[:, 0] *= 20
    widest = np.abs(weight).max(axis=1) / LARGEST
    plain = np.square(dequantise(round_to(weight, widest), widest) - weight).sum(axis=1)
    found = np.square(dequantise(*quantise(weight)) - weight).sum(axis=1)
    assert (found <= plain * 1.000001).all()
    gaussian = weights(8, 4096)
    widest = np.abs(gaussian).max(axis=1) / LARGEST
    plain = np.square(dequantise(round_to(gaussian, widest), widest) - gaussian).sum()
    assert np.square(dequantise(*quantise(gaussian)) - gaussian).sum() < 0.99 * plain


def test_the_symmetric_range_is_kept() -> None:
    values, _ = quantise(np.array([[-1.0, 1.0], [-1.0, 0.3]], np.float32))
    assert values.min() == -LARGEST


def test_zeros_stay_zeros() -> None:
    values, scale = quantise(np.zeros((2, 3), np.float32))
    assert not values.any() and (scale > 0).all()


def test_quantising_again_changes_nothing() -> None:
    values, scale = quantise(weights())
    again, scale_again = quantise(dequantise(values, scale))
    assert np.allclose(dequantise(again, scale_again), dequantise(values, scale), atol=1e-6)


@pytest.mark.parametrize("bad", [np.full((2, 2), np.nan, np.float32), np.ones(3, np.float32)])
def test_what_is_no_finite_matrix_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite matrix"):
        quantise(bad)
