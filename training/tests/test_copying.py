from __future__ import annotations

import numpy as np
import pytest

from igpt.data.palette import Palette
from igpt.evaluation.copying import closest, feature_space, mirrored, nearest, pixel_space

PALETTE = Palette(np.random.default_rng(0).integers(0, 256, (64, 3), dtype=np.uint8))


def pictures(seed: int, count: int, side: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 64, (count, side * side)).astype(np.uint16)


def test_nearest_are_the_smallest_distances_to_a_vector_or_its_mirror() -> None:
    random = np.random.default_rng(1)
    queries, mirrors, train = (random.normal(size=(n, 5)).astype(np.float32) for n in (4, 4, 30))
    expected = np.minimum(*(np.linalg.norm(side[:, None] - train, axis=2) for side in (queries, mirrors)))
    found = nearest(queries, mirrors, (train[start : start + 7] for start in range(0, 30, 7)), 6)
    assert np.allclose(found, np.sort(expected, axis=1)[:, :6], atol=1e-4)


def test_a_copy_is_found_as_it_is_and_mirrored() -> None:
    train = pictures(2, 200)
    fresh = pictures(3, 5)
    queries = {"test": fresh, "unconditional": np.stack((train[7], mirrored(train[9:10])[0], *fresh[:3]))}
    space = pixel_space(queries, train, PALETTE)
    assert space.near["unconditional"][:2] == pytest.approx(0, abs=0.1)
    assert space.relative["unconditional"][:2] == pytest.approx(0, abs=0.01)
    assert (space.near["unconditional"][2:] > 30).all() and (space.relative["test"] > 0.5).all()
    summary = space.summary()["unconditional"]
    assert summary["pictures"] == 5 and summary["nearest"]["0%"] < 0.1
    assert summary["nearerThanTest1Percent"] >= 0.4 and summary["relativeBelowTest1Percent"] >= 0.4


def test_pixel_distance_is_a_root_mean_square_of_colour_values() -> None:
    grey = Palette(np.array([[0, 0, 0], [30, 30, 30], [255, 255, 255]], np.uint8))
    train = np.zeros((1, 16), np.uint16)
    query = np.ones((1, 16), np.uint16)
    assert pixel_space({"test": query}, train, grey).near["test"] == pytest.approx(30, abs=0.1)


def test_only_the_lower_half_counts_on_request() -> None:
    train = pictures(4, 40)
    query = pictures(5, 1)
    query[0, 32:] = train[3, 32:]
    assert pixel_space({"test": query}, train, PALETTE, lower_half=True).near["test"] == pytest.approx(0, abs=0.1)
    assert pixel_space({"test": query}, train, PALETTE).near["test"] > 10


def test_the_closest_are_shown_with_the_pictures_that_they_are_near_to() -> None:
    train, fresh = pictures(7, 50), pictures(8, 4)
    samples = np.stack((fresh[0], mirrored(train[9:10])[0], fresh[1], train[30]))
    found, near = closest(samples, train, PALETTE, 3)
    assert found[:2].tolist() in ([samples[1].tolist(), samples[3].tolist()], [samples[3].tolist(), samples[1].tolist()])
    # A copy of a mirrored picture beside its mirror image: they look the same.
    assert np.array_equal(near[:2], found[:2])
    assert not np.array_equal(near[2], found[2])


def test_features_are_compared_by_cosine_without_the_mean() -> None:
    train = np.random.default_rng(6).normal(size=(60, 8)).astype(np.float32) + 100
    centre = train.mean(0)
    query = centre + 5 * (train[11:12] - centre)
    far = centre - (train[11:12] - centre)
    space = feature_space({"test": (query, far), "unconditional": (far, far)}, train)
    assert space.near["test"] == pytest.approx(0, abs=0.01)
    assert space.near["unconditional"] > 0.2
