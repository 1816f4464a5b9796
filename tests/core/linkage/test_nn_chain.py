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


def linkage_of_graph(square):
    """The core on the finite entries of a symmetric matrix."""
    n = len(square)
    wanted = np.isfinite(square) & ~np.eye(n, dtype=bool)
    offsets = np.concatenate([[0], np.cumsum(wanted.sum(axis=1))]).astype(np.int64)
    neighbors = np.nonzero(wanted)[1].astype(np.int32)
    return _core.nn_chain(offsets, neighbors, square[wanted])


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
    merges, labels = _core.nn_chain(offsets, neighbors, distances)
    assert 0 < len(merges) < len(X)
    other_merges, other_labels = _core.nn_chain(offsets, *shuffled)
    np.testing.assert_array_equal(merges, other_merges)
    np.testing.assert_array_equal(labels, other_labels)
