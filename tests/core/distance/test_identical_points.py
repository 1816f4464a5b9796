"""Identical points merge first and then count as one: the same clusters, at a fraction of the work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import is_valid_linkage

from bcl_fast import complete_linkage, linkage
from tests.helpers.linkage import (
    by_first_appearance,
    climb,
    complete_linkage_reference,
    have_ties,
    squared_distances,
)


@settings(deadline=None)
@given(
    n_distinct=st.integers(1, 15),
    n_copies=st.integers(0, 25),
    most=st.integers(1, 60),
    quantile=st.floats(0, 1),
    seed=st.integers(0, 2**16),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_copies_equal_a_slow_twin(n_distinct, n_copies, most, quantile, seed, dtype):
    rng = np.random.default_rng(seed)
    distinct = rng.normal(size=(n_distinct, 2)).astype(dtype)
    assume(n_distinct == 1 or not have_ties(squared_distances(distinct)))
    which = rng.permutation(np.append(np.arange(n_distinct), rng.integers(0, n_distinct, n_copies)))
    X = distinct[which]
    # Constraints between points that have no copy leave the result unique.
    groups = np.arange(len(X), dtype=np.int32)
    single = np.flatnonzero(np.bincount(which)[which] == 1)
    pairs = np.array([(i, j) for i in single for j in single if i < j], int).reshape(-1, 2)
    linked = pairs[rng.random(len(pairs)) < 0.1][:1]
    cannot_link = pairs[rng.random(len(pairs)) < 0.2]
    cannot_link = cannot_link[(cannot_link[:, None] != linked).any(axis=2).all(axis=1)]
    groups[linked[:, 1]] = groups[linked[:, 0]]
    groups = by_first_appearance(groups).astype(np.int32)
    square = ((X[:, None].astype(np.float64) - X) ** 2).sum(2)
    square[groups[:, None] == groups] = 0
    square[cannot_link[:, 0], cannot_link[:, 1]] = square[cannot_link[:, 1], cannot_link[:, 0]] = np.inf
    threshold = np.quantile(square[np.isfinite(square)], quantile)
    wanted, heights = complete_linkage_reference(square, threshold)
    cannot_link = cannot_link.astype(np.int32)
    labels, merges, _ = climb(X, threshold, most, must_link_groups=groups, cannot_link=cannot_link)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_allclose(merges[:, 2], heights, rtol=1e-6)


def test_copies_of_a_cannot_link_pair_join_one_side():
    result = complete_linkage(np.zeros((6, 3)), np.inf, cannot_link=[(1, 4)])
    assert result.n_clusters == 2
    assert result.labels[1] != result.labels[4]
    np.testing.assert_array_equal(result.merges[:, 2], 0)


def test_copies_of_a_linked_point_wait_for_its_whole_group():
    X = [[0.0], [0.0], [3.0], [0.0]]
    result = complete_linkage(X, 1.0, must_link=[(0, 2)])
    np.testing.assert_array_equal(result.labels, [0, 1, 0, 1])
    assert complete_linkage(X, 9.0, must_link=[(0, 2)]).n_clusters == 1


def test_zero_has_no_sign():
    result = complete_linkage([[0.0, 1.0], [-0.0, 1.0]], 0.0)
    assert result.n_clusters == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_many_copies_of_few_points(dtype):
    which = np.random.default_rng(0).integers(0, 7, 60_000)
    X = np.eye(7, 64, dtype=dtype)[which]
    np.testing.assert_array_equal(complete_linkage(X, 1.9).labels, by_first_appearance(which))
    Z = linkage(X, metric="sqeuclidean")
    assert is_valid_linkage(Z)
    np.testing.assert_array_equal(Z[:, 2], [0.0] * 59_993 + [2.0] * 6)
