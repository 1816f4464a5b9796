"""Complete linkage on a graph: any symmetric dissimilarities, pairs missing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform

from bcl_fast import _core
from bcl_fast.cluster import CompleteLinkage
from tests.helpers.linkage import assert_is_a_complete_linkage, complete_linkage_reference, identities

GRID = np.random.default_rng(0).integers(0, 12, (3000, 4)).astype(np.float32)


def linkage_of_graph(square):
    """The core on the finite entries of a symmetric matrix."""
    n = len(square)
    wanted = np.isfinite(square) & ~np.eye(n, dtype=bool)
    offsets = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))]).astype(np.int64)
    neighbors = np.nonzero(wanted)[1].astype(np.int32)
    return _core.graph_linkage(offsets, neighbors, square[wanted])


@settings(deadline=None)
@given(n=st.integers(1, 45), seed=st.integers(0, 2**16), missing=st.floats(0, 1))
def test_graph_that_is_no_metric_equals_reference(n, seed, missing):
    rng = np.random.default_rng(seed)
    values = rng.permutation(n * n).reshape(n, n).astype(np.float64)
    values[rng.random((n, n)) < missing] = np.inf
    square = np.maximum(values, values.T)
    merges, labels = linkage_of_graph(square)
    wanted_labels, wanted_heights = complete_linkage_reference(square, np.inf)
    np.testing.assert_array_equal(labels, wanted_labels)
    np.testing.assert_array_equal(merges[:, 2], wanted_heights)


@settings(deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 2**16), missing=st.floats(0, 0.7), levels=st.integers(1, 5))
def test_graph_with_ties_and_missing_pairs(n, seed, missing, levels):
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 1 + levels, size=(n, n)).astype(np.float64)
    values[rng.random((n, n)) < missing] = 1e9
    square = np.maximum(values, values.T)
    np.fill_diagonal(square, 0)
    merges, labels = linkage_of_graph(np.where(square < 1e9, square, np.inf))
    result = CompleteLinkage(labels, merges, len(np.unique(labels)))
    assert_is_a_complete_linkage(result, squareform(square), 1e8)


def test_pairs_that_float32_could_not_tell_apart():
    near, far = 1.0, np.nextafter(1.0, 2)
    square = np.array([[0, far, 3], [far, 0, near], [3, near, 0]])
    assert linkage_of_graph(square)[0][0].tolist() == [1, 2, near, 2]
    assert linkage_of_graph(square[::-1, ::-1])[0][0].tolist() == [0, 1, near, 2]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("X", "threshold"),
    [(identities(600, 8), 0.3), (np.random.default_rng(0).integers(0, 4, (300, 3)).astype(np.float32), 3.0)],
    ids=["identities", "many ties"],
)
def test_the_order_of_a_rows_neighbours_does_not_show(X, threshold, seed):
    offsets, neighbors, distances, *_ = _core.radius_graph(X, threshold)
    distances = distances.astype(np.float64)
    rng = np.random.default_rng(seed)
    order = np.concatenate([first + rng.permutation(last - first) for first, last in pairwise(offsets)])
    shuffled = neighbors[order], distances[order]
    merges, labels = _core.graph_linkage(offsets, neighbors, distances)
    assert 0 < len(merges) < len(X)
    other_merges, other_labels = _core.graph_linkage(offsets, *shuffled)
    np.testing.assert_array_equal(merges, other_merges)
    np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize("X", [identities(4000, 24), GRID], ids=["identities", "many ties"])
def test_threads_do_not_show(X):
    offsets, neighbors, distances, *_ = _core.radius_graph(X, 0.5 if X is not GRID else 6.0)
    one, *others = (
        _core.graph_linkage(offsets, neighbors.copy(), distances.astype(np.float64), _core.Execution(n_threads))
        for n_threads in (1, 2, 5)
    )
    assert 1000 < len(one[0]) < len(X)
    for other in others:
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("n", [2, 3, 64, 200])
def test_points_at_one_distance_pair_up(n):
    """Those whose numbers differ in low bits first: in log n rounds, however the lists are read."""
    merges, labels = linkage_of_graph(np.ones((n, n)))
    assert (merges[: n // 2, :2] == np.arange(n // 2 * 2).reshape(-1, 2)).all()
    assert (merges[:, 2] == 1).all()
    assert (labels == 0).all()


def test_neighbours_in_a_row_that_merge_one_after_the_other():
    """Every gap is larger than the one before: one merge a round, and no round looks at all lists."""
    gaps = 1 + np.arange(20_000) * 1e-6
    offsets = np.concatenate([[0], 1 + 2 * np.arange(len(gaps)), [2 * len(gaps)]])
    neighbors = np.stack([np.arange(1, len(gaps) + 1), np.arange(len(gaps))], 1).ravel().astype(np.int32)
    merges, _ = _core.graph_linkage(offsets, neighbors, np.repeat(gaps, 2))
    np.testing.assert_array_equal(merges[:, 2], gaps[::2])
