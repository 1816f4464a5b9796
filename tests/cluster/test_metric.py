"""Thresholds in other units, and dissimilarities that the caller has computed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.sparse import coo_array, csr_array
from scipy.spatial.distance import pdist, squareform

from bcl_fast import BallClustering, complete_linkage, radius_graph
from bcl_fast.errors import InputError
from tests.helpers.linkage import by_first_appearance, have_ties


@settings(deadline=None)
@given(
    n=st.integers(2, 40),
    dim=st.integers(2, 6),
    seed=st.integers(0, 2**16),
    quantile=st.floats(0, 1),
    metric=st.sampled_from(["euclidean", "cosine"]),
)
def test_equals_scipy_in_the_metrics_unit(n, dim, seed, quantile, metric):
    X = np.random.default_rng(seed).normal(size=(n, dim))
    distances = pdist(X, metric)
    assume(not have_ties(distances) and distances.min() > 1e-6)
    # Between two distances: the cosine is rounded otherwise here than in SciPy.
    ordered = np.sort(distances)
    rank = int(quantile * (len(ordered) - 1))
    threshold = np.append(ordered, 2.0)[rank : rank + 2].mean() if metric == "cosine" else ordered[rank]
    result = complete_linkage(X, threshold, metric=metric)
    tree = scipy_linkage(distances, "complete")
    np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))
    np.testing.assert_allclose(result.merges[:, 2], tree[: len(result.merges), 2], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("distance", [0.1, 1 / 3, np.sqrt(2), 1.1, 7e-11, 3e80])
def test_euclidean_threshold_equal_to_a_distance(distance):
    X = np.array([[0.0], [distance]])
    assert complete_linkage(X, distance, metric="euclidean").n_clusters == 1
    assert complete_linkage(X, np.nextafter(distance, 0), metric="euclidean").n_clusters == 2


def test_cosine_ignores_lengths():
    X = np.array([[1.0, 0.0], [5.0, 0.0], [0.0, 2.0], [0.1, 0.1]])
    np.testing.assert_array_equal(complete_linkage(X, 0.0, metric="cosine").labels, [0, 0, 1, 2])
    np.testing.assert_allclose(complete_linkage(X, metric="cosine").merges[-1, 2], 1.0)


def test_cosine_of_zero():
    with pytest.raises(InputError, match="the cosine distance needs vectors other than zero, got zeros in row 1"):
        complete_linkage([[1.0, 0.0], [0.0, 0.0]], 1.0, metric="cosine")


def test_unknown_metric():
    with pytest.raises(InputError, match=r"metric must be one of 'sqeuclidean', .*, got 'manhattan'"):
        complete_linkage([[0.0]], 1.0, metric="manhattan")


# ---- precomputed


@settings(deadline=None)
@given(n=st.integers(1, 30), seed=st.integers(0, 2**16), quantile=st.floats(0, 1), sparse=st.booleans())
def test_precomputed_equals_scipy(n, seed, quantile, sparse):
    distances = np.random.default_rng(seed).random(n * (n - 1) // 2)
    assume(not have_ties(distances))
    threshold = np.quantile(distances, quantile, method="nearest") if n > 1 else 1.0
    square = squareform(distances) if n > 1 else np.zeros((1, 1))
    X = csr_array(np.where(square <= threshold, square, 0)) if sparse else square
    result = complete_linkage(X, threshold, metric="precomputed")
    if n > 1:
        tree = scipy_linkage(distances, "complete")
        np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))
        np.testing.assert_allclose(result.merges[:, 2], tree[: len(result.merges), 2], rtol=1e-6)


def test_radius_graph_is_a_precomputed_matrix():
    X = np.random.default_rng(0).normal(size=(300, 4))
    graph = radius_graph(X, 2.0)
    result = complete_linkage(graph, metric="precomputed")
    np.testing.assert_array_equal(result.labels, complete_linkage(X, 2.0).labels)


def test_infinite_and_absent_are_never_merged():
    dense = np.array([[0, 1, np.inf], [1, 0, 1], [np.inf, 1, 0]])
    assert complete_linkage(dense, metric="precomputed").n_clusters == 2
    sparse = coo_array((np.ones(4), ([0, 1, 1, 2], [1, 0, 2, 1])), shape=(3, 3))
    assert BallClustering(None, metric="precomputed").fit(sparse).n_clusters_ == 2


def test_explicit_zeros_are_distances():
    sparse = coo_array((np.zeros(2), ([0, 1], [1, 0])), shape=(2, 2))
    assert complete_linkage(sparse, 0.0, metric="precomputed").n_clusters == 1


def test_huge_dissimilarities():
    X = np.array([[0, 1e200], [1e200, 0]])
    np.testing.assert_allclose(complete_linkage(X, metric="precomputed").merges, [[0, 1, 1e200, 2]])


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 3)), r"must be square \(n_samples, n_samples\), got shape \(2, 3\)"),
        ([[0, 1], [2, 0]], r"must be symmetric, got different ones for the pairs \(0, 1\) and \(1, 0\)"),
        ([[0, -1], [-1, 0]], r"must be >= 0, got -1.0 for the pair \(0, 1\)"),
        ([[0, np.nan], [np.nan, 0]], r"must be >= 0, got nan for the pair \(0, 1\)"),
        ([[0, 1, 2], [1, 0, 3], [2, 3.01, 0]], r"must be symmetric, .* \(1, 2\) and \(2, 1\): 3.0 and 3.01"),
        ([[0, 1, np.inf], [1, 0, 3], [2, 3, 0]], r"must be symmetric, .* \(0, 2\) and \(2, 0\): inf and 2.0"),
        ([[0, 1, 2], [1, 0, -1e-3], [2, -1e-3, 0]], r"must be >= 0, got -0.001 for the pair \(1, 2\)"),
        (coo_array(([1.0, 1.1], ([0, 1], [1, 0]))), r"must be symmetric, .* \(0, 1\) and \(1, 0\): 1.0 and 1.1"),
        (coo_array(([-1.0, 2.0], ([0, 1], [1, 2])), shape=(3, 3)), r"must be >= 0, got -1.0 for the pair \(0, 1\)"),
        (np.zeros((2, 2), complex), "must be real numbers, got dtype complex128"),
    ],
)
def test_bad_dissimilarities(X, message):
    with pytest.raises(InputError, match="precomputed dissimilarities " + message):
        complete_linkage(X, 10.0, metric="precomputed")
