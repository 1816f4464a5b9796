"""The cells of the block screen lose no pair: the graph of all pairs, whatever the cells hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast import _core
from tests.helpers.linkage import identities

BLOCKS, FLOAT_SCREEN = -2, 0
N = 700

Points = npt.NDArray[Any]


def pairs_within(X: Points, threshold: float) -> npt.NDArray[np.int64]:
    """The slow, obvious way: all pairs i < j, in order."""
    square = cdist(np.asarray(X, np.float64), np.asarray(X, np.float64), "sqeuclidean")
    return np.argwhere(np.triu(square <= threshold, 1))


def assert_no_pair_is_lost(X: Points, threshold: float, groups: Sequence[int] = (), n_threads: int = 0) -> int:
    """Return how many directions the cells were asked in, 0: none."""
    offsets, neighbors, distances, scale, directions = _core.radius_graph(
        X, threshold, _core.Execution(n_threads), BLOCKS, list(groups)
    )
    rows = np.repeat(np.arange(len(X)), np.diff(offsets))
    above = rows < neighbors
    np.testing.assert_array_equal(np.stack([rows[above], neighbors[above]], 1), pairs_within(X, threshold))
    expected = _core.radius_graph(X, threshold, _core.Execution(n_threads), FLOAT_SCREEN)
    for array, other in zip((offsets, neighbors, distances, scale), expected, strict=False):
        np.testing.assert_array_equal(array, other)
    return directions


def blobs(n: int, dim: int, n_blobs: int, width: float, seed: int) -> tuple[npt.NDArray[np.float32], list[int]]:
    """Points blob by blob, and where each blob begins; some may be empty."""
    rng = np.random.default_rng(seed)
    sizes = np.bincount(rng.integers(n_blobs, size=n), minlength=n_blobs)
    X = np.repeat(rng.normal(size=(n_blobs, dim)), sizes, axis=0) + width * rng.normal(size=(n, dim))
    return X.astype(np.float32), [0, *np.cumsum(sizes).tolist()]


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 900),
    dim=st.integers(4, 80),
    n_blobs=st.integers(1, 200),
    width=st.floats(0.01, 1.5),
    quantile=st.floats(0, 0.3),
    own_groups=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_any_blobs(n: int, dim: int, n_blobs: int, width: float, quantile: float, own_groups: bool, seed: int) -> None:
    X, groups = blobs(max(n, dim + 2), dim, n_blobs, width, seed)
    if not own_groups:  # those of the points as they happen to lie
        groups = [0, *np.sort(np.random.default_rng(seed).integers(0, len(X) + 1, 30)).tolist(), len(X)]
    sample = cdist(X[::3].astype(float), X[1::3].astype(float), "sqeuclidean") if len(X) > 1 else np.ones(1)
    assert_no_pair_is_lost(X, float(np.quantile(sample, quantile)), groups)


def with_outliers() -> npt.NDArray[np.float32]:
    X = identities(N, 32)
    X[::100] *= np.float32(30)
    X[7] *= np.float32(100)
    return X


def beside_corners(X: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The points and a few far away, that span all directions."""
    return np.concatenate([X, 9 * np.eye(X.shape[1], dtype=np.float32)])


def on_a_line() -> npt.NDArray[np.float32]:
    X = np.zeros((N, 6), np.float32)
    X[:, 2] = np.arange(N) / 100
    return X


def random(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


EVERY_POINT, ALL_IN_ONE, SIXTY = 1, 10**6, 60  # points of a group
RAGGED = np.repeat(np.arange(40), np.arange(40))[:N]
ADVERSARIAL = {
    "all equal": (beside_corners(np.ones((N, 8), np.float32)), 0.0, SIXTY),
    "all equal, every point its own cell": (beside_corners(np.ones((N, 8), np.float32)), 0.0, EVERY_POINT),
    "two points, each many times": (beside_corners(np.repeat(np.eye(2, 8, dtype=np.float32), N // 2, axis=0)), 1.5, 7),
    "every point its own cell": (beside_corners(on_a_line()), 2e-4, EVERY_POINT),
    "cells that lie across": (beside_corners(on_a_line()), 2e-4, 65),
    "a member more than two words hold": (identities(N, 24), 0.5, 129),
    "a member more than a cell holds": (identities(N, 24), 0.5, 257),
    "equal points in cells of any size": (random(40, 12)[RAGGED], 0.0, 13),
    "all in one group": (identities(N, 24), 0.5, ALL_IN_ONE),
    "cells that tell nothing": (random(N, 24), 20.0, SIXTY),
    "outliers": (with_outliers(), 0.5, SIXTY),
    "huge norms": (identities(N, 24).astype(np.float64) * 1e150, 0.4e300, SIXTY),
    "tiny norms": (identities(N, 24) * np.float32(1e-15), 0.4e-30, SIXTY),
    "far from the origin": (identities(N, 24).astype(np.float64) + 1e6, 0.4, SIXTY),
    "corners of a cube": (np.sign(random(N, 12)), 8.0, 31),
    "a threshold that equals distances": (np.rint(random(N, 12)), 4.0, 33),
    "beyond all distances": (identities(N, 24), np.inf, SIXTY),
    "two ends, beyond all distances": (identities(N, 24) * np.repeat([[1], [-1]], N // 2, axis=0), np.inf, SIXTY),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_cells(name: str) -> None:
    X, threshold, size = ADVERSARIAL[name]
    assert assert_no_pair_is_lost(X, threshold, [*range(0, len(X), size), len(X)]) >= 4


@pytest.mark.parametrize("size", [1, 2, 5, 40])
@pytest.mark.parametrize("dim", [4, 6, 16, 64])
def test_pairs_exactly_at_the_threshold(dim: int, size: int) -> None:
    """Where a bound has nothing to spare: cells of a few points, whose reach is all there is between them."""
    X = random(max(160, dim + 2), dim)
    distances = np.unique(cdist(X.astype(float), X.astype(float), "sqeuclidean"))
    for threshold in distances[[1, 9, 99, 999]]:
        assert_no_pair_is_lost(X, float(threshold), [*range(0, len(X), size), len(X)])


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("spacing", [0.01, 0.0137, 0.0429, 0.31])
def test_neighbours_on_a_line_exactly_at_the_threshold(spacing: float, size: int) -> None:
    """Where rounding errors of both points lie along the line between them, as far as they can."""
    X = beside_corners((np.arange(N)[:, None] * spacing * np.eye(1, 6)).astype(np.float32))
    gaps = np.diff(X[:N, 0].astype(float)) ** 2
    for threshold in (gaps.max(), np.median(gaps), 4 * gaps.max()):
        assert_no_pair_is_lost(X, float(threshold), [*range(0, len(X), size), len(X)])


def test_empty_groups_are_no_cells() -> None:
    assert_no_pair_is_lost(identities(N, 24), 0.5, [0, 0, 0, 100, 100, 101, 300, 300, N, N])


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(40, 500),
    dim=st.integers(4, 70),
    n_blobs=st.integers(1, 60),
    width=st.floats(0.01, 1.0),
    largest_spread=st.floats(0, 3),
    quantile=st.floats(0, 0.5),
    seed=st.integers(0, 2**16),
)
def test_points_with_spreads(
    n: int, dim: int, n_blobs: int, width: float, largest_spread: float, quantile: float, seed: int
) -> None:
    X, groups = blobs(n, dim, n_blobs, width, seed)
    spreads = largest_spread * np.random.default_rng(seed).random(n) ** 4
    assert_all_are_candidates(X.astype(np.float64), spreads, quantile, groups)


def assert_all_are_candidates(X: Points, spreads: Points, quantile: float, groups: Sequence[int]) -> None:
    distances = cdist(X, X, "sqeuclidean") + spreads[:, None] + spreads
    threshold = float(np.quantile(distances[np.triu_indices(len(X), 1)], quantile, method="nearest"))
    assert_those_within_are_candidates(X, spreads, threshold, distances, groups)


def assert_those_within_are_candidates(
    X: Points, spreads: Points, threshold: float, distances: Points, groups: Sequence[int]
) -> None:
    found = _core.candidate_pairs(X, spreads, threshold, BLOCKS, list(groups)).reshape(-1, 2)
    assert (found[:, 0] < found[:, 1]).all()
    is_found = np.zeros_like(distances, bool)
    is_found[tuple(found.T)] = True
    assert is_found.sum() == len(found)  # none comes twice
    assert is_found[np.triu(distances <= threshold, 1)].all()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_two_points_whose_errors_add_up(size: int) -> None:
    """A dozen points on a line: what bytes round lies along it, and a bound rounded the other way loses a pair."""
    rng = np.random.default_rng(size)
    corners = 0.02 * np.concatenate([np.eye(4)[1:], -np.eye(4)[1:]])  # so that there are four directions
    for _ in range(400):
        line = np.sort(rng.random(12))
        X = np.concatenate([np.outer(line - line.mean(), np.eye(4)[0]), corners])
        distances = cdist(X, X, "sqeuclidean")
        last = rng.choice(np.arange(size - 1, 11, size))  # of a cell
        groups = [*range(0, 12, size), 12, len(X)]
        assert_those_within_are_candidates(X, np.zeros(len(X)), distances[last, last + 1], distances, groups)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("dim", [4, 8, 32])
@pytest.mark.parametrize("largest_spread", [1.0, 4.0, 16.0])
def test_spreads_exactly_at_the_threshold(dim: int, size: int, largest_spread: float) -> None:
    """A spread shortens the most where the other point has none."""
    X = random(200, dim).astype(np.float64)
    spreads = np.where(np.arange(200) % 2, largest_spread * np.random.default_rng(1).random(200), 0.0)
    for quantile in (0.02, 0.1, 0.3, 0.6):
        assert_all_are_candidates(X, spreads, quantile, [*range(0, 200, size), 200])


def test_spreads_prove_pairs_apart() -> None:
    X, groups = blobs(N, 32, 20, 0.1, 0)
    spreads = np.where(np.arange(N) % 2, 0.5, 0.0)
    few, many = (_core.candidate_pairs(X.astype(float), s, 0.9, BLOCKS, groups) for s in (spreads, 0 * spreads))
    assert len(few) < len(many)


@pytest.mark.parametrize("groups", [[0, 10], [1, N], [0, 20, 10, N]])
def test_groups_must_cover_the_points(groups: list[int]) -> None:
    with pytest.raises(ValueError, match="group_offsets must ascend from 0 to the number of points"):
        _core.radius_graph(identities(N, 24), 0.5, group_offsets=groups)


@pytest.mark.parametrize("dim", [1, 3])
def test_too_few_directions_have_no_cells(dim: int) -> None:
    X = random(2100, dim)
    graph = _core.radius_graph(X, 1e-4, directions=BLOCKS, group_offsets=[0, 1000, 2100])
    assert graph[-1] == 0
    np.testing.assert_array_equal(graph[1], _core.radius_graph(X, 1e-4, directions=FLOAT_SCREEN)[1])


@pytest.mark.parametrize("size", [100, 300, 10_000])
def test_walks_that_begin_within_a_cell(size: int) -> None:
    X = identities(7000, 16)
    assert_no_pair_is_lost(X, 0.1, [*range(0, len(X), size), len(X)], n_threads=2)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_groups_that_are_found(n_threads: int) -> None:
    assert_no_pair_is_lost(identities(6000, 32), 0.4, n_threads=n_threads)


def test_points_without_groups_have_no_cells() -> None:
    X = random(20_000, 40)
    graph = _core.radius_graph(X, 20.0, directions=BLOCKS)
    np.testing.assert_array_equal(graph[1], _core.radius_graph(X, 20.0, directions=FLOAT_SCREEN)[1])


@pytest.mark.parametrize("path", _core.simd_paths())
def test_every_simd_path(path: str) -> None:
    code = (
        "from tests.core.screen.test_block_screen import *\n"
        "for dim in (6, 33, 64, 100): assert_no_pair_is_lost(identities(N, dim), 0.5, [*range(0, N, 50), N])\n"
        "X, groups = blobs(N, 32, 20, 0.1, 0)\n"
        "assert_all_are_candidates(X.astype(float), np.arange(N) % 7 / 10.0, 0.1, groups)\n"
        "for name in ('corners of a cube', 'outliers', 'all equal', 'cells that tell nothing',\n"
        "             'two ends, beyond all distances'):\n"
        "    test_adversarial_cells(name)"
    )
    root = str(Path(__file__).parents[3])
    search = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"BCL_SIMD": path, "PYTHONPATH": search}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
