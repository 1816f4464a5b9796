"""The rungs of average linkage: the same dendrogram whatever number of pairs a rung may hold, on any threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage as scipy_linkage

from bcl_fast import _core, average_linkage
from tests.helpers.linkage import (
    NO_PAIRS,
    assert_is_an_average_linkage,
    average_linkage_reference,
    by_first_appearance,
    climb,
    complete_linkage_reference,
    have_ties,
    identities,
    squared_distances,
)


@settings(deadline=None)
@given(
    n=st.integers(1, 60),
    dim=st.integers(1, 9),
    most=st.integers(1, 200),
    seed=st.integers(0, 2**16),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_number_of_pairs_gives_scipys_merges(n, dim, most, seed, dtype):
    X = np.random.default_rng(seed).normal(size=(n, dim)).astype(dtype)
    distances = squared_distances(X)
    assume(n == 1 or not have_ties(distances))
    merges = climb(X, np.inf, most, linkage="average").merges
    wanted = scipy_linkage(distances, "average") if n > 1 else np.empty((0, 4))
    np.testing.assert_array_equal(merges[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(merges[:, 2], wanted[:, 2], rtol=1e-13)
    np.testing.assert_array_equal(merges, average_linkage(X).merges)  # to the last bit


def test_screens_of_means_with_spreads_lose_no_pair():
    X = identities(5000, 24)
    merges = climb(X, np.inf, 1500, linkage="average").merges  # rungs of thousands of clusters, most of them large
    wanted = scipy_linkage(squared_distances(X), "average")
    np.testing.assert_array_equal(merges[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(merges[:, 2], wanted[:, 2], rtol=1e-12)


@pytest.mark.parametrize("most", [1, 7, 100])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((20, 3)),
        np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], 9, axis=0),
        np.eye(30),  # all pairs at one distance
        np.array([[i, j] for i in range(6) for j in range(6)], float),
        np.arange(40.0)[:, None],
        np.random.default_rng(0).integers(0, 3, (40, 3)).astype(float),
    ],
    ids=["identical", "three points", "one distance", "grid", "line", "integers"],
)
@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0, 5.0, np.inf])
def test_ties_and_duplicates(X, threshold, most):
    result = climb(X, threshold, most, linkage="average")
    assert_is_an_average_linkage(result, squared_distances(X), threshold)


@settings(deadline=None)
@given(
    n=st.integers(2, 25),
    most=st.integers(1, 60),
    n_apart=st.integers(0, 6),
    quantile=st.floats(0, 1),
    seed=st.integers(0, 2**16),
    linkage=st.sampled_from(["average", "complete"]),
)
def test_groups_that_stay_apart_equal_a_slow_twin(n, most, n_apart, quantile, seed, linkage):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    groups = by_first_appearance(rng.integers(0, n, n)).astype(np.int32)
    n_apart = min(n_apart, int(groups.max()) + 1)
    square = ((X[:, None] - X) ** 2).sum(2)
    threshold = np.quantile(square, quantile) * (1 + 1e-9)
    square[(np.maximum.outer(groups, groups) < n_apart) & (groups[:, None] != groups)] = np.inf
    square[groups[:, None] == groups] = 0
    twin = average_linkage_reference if linkage == "average" else complete_linkage_reference
    merge = _core.average_linkage if linkage == "average" else _core.complete_linkage
    wanted, heights = twin(square, threshold)
    merges, labels = merge(X, threshold, most, groups, NO_PAIRS, n_apart=n_apart)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_allclose(merges[:, 2], heights, rtol=1e-12)


@pytest.mark.parametrize("n_jobs", [2, 3])
@pytest.mark.parametrize("cannot_link", [NO_PAIRS, np.arange(4000, dtype=np.int32).reshape(-1, 2)])
def test_same_bits_for_any_number_of_threads(n_jobs, cannot_link):
    X = identities(5000, 32)
    one, many = (
        climb(X, 0.8, 4000, cannot_link=cannot_link, n_threads=jobs, linkage="average") for jobs in (1, n_jobs)
    )
    assert 1 < one.n_clusters < 5000
    np.testing.assert_array_equal(one.merges, many.merges)
    np.testing.assert_array_equal(one.labels, many.labels)


def test_memory_limit_changes_nothing_but_the_memory():
    X = identities(20_000, 16)
    free, tight = average_linkage(X, 0.3), average_linkage(X, 0.3, memory_limit=16_500_000)
    assert 1 < free.n_clusters < 20_000
    np.testing.assert_array_equal(free.merges, tight.merges)


def test_the_order_of_the_points_inside_is_invisible():
    X = identities(40_000, 8)  # enough that they are put in another order
    arranged, as_given = (
        _core.average_linkage(X, 0.2, 100_000, None, np.array([[0, 1]], np.int32), may_copy=may_copy)
        for may_copy in (True, False)
    )
    assert 100 < arranged[1].max() < 30_000
    for one, other in zip(arranged, as_given, strict=True):
        np.testing.assert_array_equal(one, other)
