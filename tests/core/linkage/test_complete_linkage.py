"""The rungs of the linkage: the same dendrogram whatever number of pairs a rung may hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage as scipy_linkage

from bcl_fast import _core, complete_linkage
from bcl_fast.errors import InputError
from tests.helpers.linkage import (
    assert_is_a_complete_linkage,
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
    dim=st.integers(1, 5),
    most=st.integers(1, 200),
    quantile=st.floats(0, 1),
    seed=st.integers(0, 2**16),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_number_of_pairs_gives_scipys_merges(n, dim, most, quantile, seed, dtype):
    X = np.random.default_rng(seed).normal(size=(n, dim)).astype(dtype)
    distances = squared_distances(X)
    assume(n == 1 or not have_ties(distances))
    threshold = np.quantile(distances, quantile, method="nearest") if n > 1 else 1.0
    labels, merges, _ = climb(X, threshold, most)
    wanted = scipy_linkage(distances, "complete") if n > 1 else np.empty((0, 4))
    wanted = wanted[wanted[:, 2] <= threshold]
    np.testing.assert_array_equal(merges, wanted)
    np.testing.assert_array_equal(labels, complete_linkage(X, threshold).labels)


@pytest.mark.parametrize("most", [1, 7, 100])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((40, 3)),
        np.repeat([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], 20, axis=0),
        np.eye(48),  # all pairs at one distance
        np.array([[i, j] for i in range(9) for j in range(9)], float),
        np.arange(70.0)[:, None],
        np.random.default_rng(0).integers(0, 3, (80, 3)).astype(float),
    ],
    ids=["identical", "three points", "one distance", "grid", "line", "integers"],
)
@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0, 5.0, np.inf])
def test_ties_and_duplicates(X, threshold, most):
    assert_is_a_complete_linkage(climb(X, threshold, most), squared_distances(X), threshold)


@settings(deadline=None)
@given(n=st.integers(2, 25), most=st.integers(1, 60), quantile=st.floats(0, 1), seed=st.integers(0, 2**16))
def test_constraints_equal_a_slow_twin(n, most, quantile, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    distances = squared_distances(X)
    assume(not have_ties(distances))
    groups = by_first_appearance(rng.integers(0, n, n)).astype(np.int32)
    pairs = np.array([(i, j) for i in range(n) for j in range(i) if groups[i] != groups[j]])
    cannot_link = pairs[rng.random(len(pairs)) < 0.2].reshape(-1, 2).astype(np.int32)
    threshold = np.quantile(distances, quantile)
    square = ((X[:, None] - X) ** 2).sum(2)
    square[groups[:, None] == groups] = 0
    square[cannot_link[:, 0], cannot_link[:, 1]] = square[cannot_link[:, 1], cannot_link[:, 0]] = np.inf
    wanted, heights = complete_linkage_reference(square, threshold)
    labels, merges, _ = climb(X, threshold, most, must_link_groups=groups, cannot_link=cannot_link)
    np.testing.assert_array_equal(labels, wanted)
    np.testing.assert_allclose(merges[:, 2], heights, rtol=1e-14)


@pytest.mark.parametrize("n_jobs", [1, 2, 3])
def test_same_bits_for_any_number_of_threads(n_jobs):
    X = identities(5000, 32)
    labels, merges, _ = climb(X, 0.8, 4000, n_threads=1)
    other_labels, other_merges, _ = climb(X, 0.8, 4000, n_threads=n_jobs)
    np.testing.assert_array_equal(merges, other_merges)
    np.testing.assert_array_equal(labels, other_labels)


@pytest.mark.parametrize("linkage", ["complete", "average"])
def test_rungs_that_are_tried_on_a_few_rows_first(linkage):
    X = identities(5000, 32)  # a sample says little about where so few of their pairs end
    labels, merges, _ = climb(X, 0.6, 10**6, linkage=linkage)
    for n_threads in (1, 3):
        other_labels, other_merges, _ = climb(X, 0.6, 2000, linkage=linkage, n_threads=n_threads)
        np.testing.assert_array_equal(labels, other_labels)
        np.testing.assert_array_equal(merges, other_merges)


def test_memory_limit_changes_nothing_but_the_memory():
    X = identities(20_000, 16)
    free = complete_linkage(X, 0.3)
    tight = complete_linkage(X, 0.3, memory_limit=13_500_000)
    assert 1 < free.n_clusters < 20_000
    np.testing.assert_array_equal(free.labels, tight.labels)
    np.testing.assert_array_equal(free.merges[:, 2], tight.merges[:, 2])


def test_the_order_of_the_points_inside_is_invisible():
    X = identities(40_000, 8)  # enough that they are put in another order
    (merges, labels), (as_given, labels_as_given) = (
        _core.complete_linkage(X, 0.2, 100_000, None, np.array([[0, 1]], np.int32), may_copy=may_copy)
        for may_copy in (True, False)
    )
    assert 100 < labels.max() < 30_000
    np.testing.assert_array_equal(labels, labels_as_given)
    np.testing.assert_array_equal(merges[:, 2], as_given[:, 2])


def test_memory_limit_that_cannot_hold():
    with pytest.raises(InputError, match=r"20,000 samples of 16 features need a memory_limit of at least [\d,]+ bytes"):
        complete_linkage(np.zeros((20_000, 16)), 1.0, memory_limit=1_000_000)


@pytest.mark.parametrize("memory_limit", [0, -1, 0.5, True])
def test_memory_limit_must_be_bytes(memory_limit):
    with pytest.raises(InputError, match="memory_limit must be a positive number of bytes, got"):
        complete_linkage([[0.0], [1.0]], 1.0, memory_limit=memory_limit)
