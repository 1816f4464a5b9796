"""Where a dendrogram is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster

from bcl_fast import complete_linkage
from bcl_fast.cluster import cut_merges
from bcl_fast.errors import InputError
from tests.helpers.linkage import by_first_appearance


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_cut_merges_equals_scipy(n, seed, share):
    X = np.random.default_rng(seed).normal(size=(n, 3))
    n_clusters = 1 + round(share * (n - 1))
    merges = complete_linkage(X, np.inf).merges
    labels = cut_merges(merges, n, n_clusters)
    assert labels.dtype == np.int64
    if n > 1:
        np.testing.assert_array_equal(labels, by_first_appearance(fcluster(merges, n_clusters, "maxclust")))
    assert labels.max() + 1 == n_clusters


def test_cut_merges_at_the_end_gives_the_labels():
    X = np.random.default_rng(2).integers(0, 4, size=(200, 5))
    result = complete_linkage(X, 7)
    assert 1 < result.n_clusters < 200
    np.testing.assert_array_equal(cut_merges(result.merges, 200, result.n_clusters), result.labels)


@pytest.mark.parametrize(
    ("merges", "n_clusters", "message"),
    [
        ([[0, 1, 0.5, 2]], 0, r"n_clusters must be between 1 and n_samples \(4\), got 0"),
        ([[0, 1, 0.5, 2]], 5, r"n_clusters must be between 1 and n_samples \(4\), got 5"),
        ([[0, 1, 0.5, 2]], 2.5, r"n_clusters must be a whole number, got 2\.5"),
        ([[0, 1, 0.5, 2]], "2", "n_clusters must be a whole number, got '2'"),
        ([[0, 1, 0.5, 2]], True, "n_clusters must be a whole number, got True"),
        ([[0, 1, 0.5, 2]], 2, r"2 clusters of 4 samples take 2 merges, got 1: .* ask for at least 3 clusters"),
        ([[0, 4, 0.5, 2]], 3, r"merges must be of clusters that there are, got \[0\.0, 4\.0\] in row 0"),
        ([[0, 0.5, 0.5, 2]], 3, r"merges must be of clusters that there are, got \[0\.0, 0\.5\] in row 0"),
        ([[0, np.nan, 0.5, 2]], 3, r"merges must be of clusters that there are, got \[0\.0, nan\] in row 0"),
        ([["a", "b", "c", "d"]], 3, "merges must be real numbers, got dtype <U1"),
        ([0, 1, 0.5, 2], 3, r"merges must have shape \(n_merges, 4\), got shape \(4,\)"),
    ],
)
def test_cut_merges_out_of_range(merges, n_clusters, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        cut_merges(merges, 4, n_clusters)


def test_threshold_and_n_clusters_exclude_each_other():
    with pytest.raises(InputError, match="distance_threshold and n_clusters exclude each other: give one of them"):
        complete_linkage([[0.0], [1.0]], 1.0, n_clusters=1)


def test_n_clusters_that_constraints_forbid():
    with pytest.raises(InputError, match="ask for at least 2 clusters"):
        complete_linkage([[0.0], [1.0]], n_clusters=1, cannot_link=[(0, 1)])


@pytest.mark.parametrize("metric", ["sqeuclidean", "precomputed"])
@pytest.mark.parametrize(
    ("n_clusters", "message"),
    [
        (0, r"n_clusters must be between 1 and n_samples \(3\), got 0"),
        (4, r"n_clusters must be between 1 and n_samples \(3\), got 4"),
        (2.5, r"n_clusters must be a whole number, got 2\.5"),
    ],
)
def test_n_clusters_is_checked_before_the_work(metric, n_clusters, message):
    seen = []
    with pytest.raises(InputError, match=f"^{message}$"):
        complete_linkage(np.zeros((3, 3)), n_clusters=n_clusters, metric=metric, progress=seen.append)
    assert seen == []
