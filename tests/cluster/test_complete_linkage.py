"""`complete_linkage` against SciPy, a slow twin and the invariants that hold whatever ties do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_monotonic, is_valid_linkage, linkage
from scipy.sparse import csr_array

from bcl_fast import complete_linkage, radius_graph
from tests.helpers.linkage import (
    assert_is_a_complete_linkage,
    by_first_appearance,
    have_ties,
    squared_distances,
)


def assert_equals_scipy(result, distances, threshold):
    """The same labels, heights, sizes and merges: for data without ties."""
    tree = linkage(distances, "complete")
    wanted = tree[tree[:, 2] <= threshold]
    np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))
    assert result.n_clusters == result.labels.max() + 1
    np.testing.assert_array_equal(result.merges, wanted)


# ---- against SciPy


@settings(deadline=None)
@given(
    n=st.integers(2, 40),
    dim=st.integers(1, 8),
    seed=st.integers(0, 2**16),
    quantile=st.floats(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_equals_scipy(n, dim, seed, quantile, dtype):
    X = np.random.default_rng(seed).normal(size=(n, dim)).astype(dtype)
    distances = squared_distances(X)
    assume(not have_ties(distances))
    threshold = np.quantile(distances, quantile, method="nearest")  # often a height: a merge at it must happen
    assert_equals_scipy(complete_linkage(X, threshold), distances, threshold)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(50, 150), k=st.integers(1, 12), seed=st.integers(0, 2**16), quantile=st.floats(0, 0.6))
def test_equals_scipy_on_clustered_data(n, k, seed, quantile):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(k, 6))[rng.integers(k, size=n)] + 0.2 * rng.normal(size=(n, 6))).astype(np.float32)
    distances = squared_distances(X)
    assume(not have_ties(distances))
    threshold = np.quantile(distances, quantile)
    assert_equals_scipy(complete_linkage(X, threshold), distances, threshold)


@pytest.mark.parametrize("threshold", [0.2, 0.6, 0.82, 1.5])
def test_equals_scipy_on_overlapping_identities(threshold):
    rng = np.random.default_rng(11)
    identities = rng.normal(size=(40, 32)) / np.sqrt(32)
    X = identities[rng.zipf(1.3, size=1200) % 40] + rng.normal(size=(1200, 32)) * np.sqrt(0.3 / 32)
    distances = squared_distances(X)
    tree = linkage(distances, "complete")
    result = complete_linkage(X, threshold)
    np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))
    np.testing.assert_array_equal(result.merges[:, 2], tree[: len(result.merges), 2])
    assert 40 < result.n_clusters < 1200


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 120), dim=st.integers(1, 5), seed=st.integers(0, 2**16))
def test_infinite_threshold_gives_the_full_dendrogram(n, dim, seed):
    X = np.random.default_rng(seed).normal(size=(n, dim))
    distances = squared_distances(X)
    assume(not have_ties(distances))
    result = complete_linkage(X, np.inf)
    assert_equals_scipy(result, distances, np.inf)
    assert is_valid_linkage(result.merges)
    assert is_monotonic(result.merges)
    assert result.n_clusters == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scale", "offset"), [(1e18, 0.0), (1e-20, 0.0), (1.0, 1e6), (1e3, 1e6)])
def test_huge_tiny_and_far_data(scale, offset, dtype):
    X = (np.random.default_rng(8).normal(size=(80, 10)) * scale + offset).astype(dtype)
    distances = squared_distances(X)
    for threshold in (*np.quantile(distances, [0.05, 0.5], method="nearest"), np.inf):
        result = complete_linkage(X, threshold)
        assert_is_a_complete_linkage(result, distances, threshold)
        if not have_ties(distances):
            assert_equals_scipy(result, distances, threshold)


@settings(deadline=None)
@given(n=st.integers(3, 40), seed=st.integers(0, 2**16), dtype=st.sampled_from([np.float32, np.float64]))
def test_merges_at_exactly_the_threshold_and_not_below(n, seed, dtype):
    X = np.random.default_rng(seed).normal(size=(n, 5)).astype(dtype)
    distances = squared_distances(X)
    assume(not have_ties(distances))
    heights = linkage(distances, "complete")[:, 2]
    for i in (0, len(heights) // 2, len(heights) - 1):
        assert complete_linkage(X, heights[i]).n_clusters == n - 1 - i
        assert complete_linkage(X, np.nextafter(heights[i], 0)).n_clusters == n - i


# ---- ties


@settings(deadline=None)
@given(
    n=st.integers(2, 50),
    dim=st.integers(1, 3),
    width=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    threshold=st.integers(0, 30),
)
def test_integer_grid(n, dim, width, seed, threshold):
    X = np.random.default_rng(seed).integers(0, width, size=(n, dim))
    assert_is_a_complete_linkage(complete_linkage(X, threshold), squared_distances(X), threshold)


@settings(deadline=None, max_examples=50)
@given(n=st.integers(2, 60), seed=st.integers(0, 2**16), quantile=st.floats(0, 1))
def test_duplicated_samples(n, seed, quantile):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(np.float32)[rng.integers(n, size=2 * n)]
    distances = squared_distances(X)
    threshold = np.quantile(distances, quantile, method="nearest")
    result = complete_linkage(X, threshold)
    assert_is_a_complete_linkage(result, distances, threshold)
    _, copy_of = np.unique(X, axis=0, return_inverse=True)
    assert len(set(zip(copy_of.ravel().tolist(), result.labels.tolist(), strict=True))) == copy_of.max() + 1


@pytest.mark.parametrize("order", ["as_is", "reversed", "shuffled"])
@pytest.mark.parametrize("steps", ["equal", "growing", "shrinking", "random"])
def test_collinear(steps, order):
    """Long chains: every sample's nearest neighbour is the next one."""
    rng = np.random.default_rng(1)
    gaps = {"equal": np.ones(200), "growing": np.linspace(1, 2, 200), "random": rng.random(200)}
    line = np.cumsum(gaps[steps] if steps in gaps else gaps["growing"][::-1])
    line = {"as_is": line, "reversed": line[::-1], "shuffled": rng.permutation(line)}[order]
    X = line[:, None] * np.array([[3.0, 4.0, 0.0]])
    distances = squared_distances(X)
    for threshold in (30.0, 1e3, 1e5, np.inf):
        assert_is_a_complete_linkage(complete_linkage(X, threshold), distances, threshold)


def test_all_distances_equal():
    result = complete_linkage(np.eye(40, dtype=np.float32), 2.0)
    assert_is_a_complete_linkage(result, squared_distances(np.eye(40)), 2.0)
    assert result.n_clusters == 1
    assert complete_linkage(np.eye(40), 1.999).n_clusters == 40


@pytest.mark.parametrize("constrained", [False, True])
def test_many_samples_equally_far_apart(constrained):
    X = np.eye(600, dtype=np.float32)
    X[300:] *= 3
    options = {"cannot_link": [(0, 1), (5, 400)], "must_link": [(2, 3), (3, 4)]} if constrained else {}
    for threshold, n_clusters in ((1.9, 600), (2.0, 301), (10.0, 300), (18.0, 1)):
        result = complete_linkage(X, threshold, **options)
        if not constrained:
            assert_is_a_complete_linkage(result, squared_distances(X), threshold)
            assert result.n_clusters == n_clusters
        else:
            assert result.labels[2] == result.labels[3] == result.labels[4]
            assert result.labels[0] != result.labels[1]
            assert result.labels[5] != result.labels[400]


# ---- small and extreme


def test_no_samples():
    result = complete_linkage(np.empty((0, 3)), 1.0)
    assert result.labels.shape == (0,)
    assert result.labels.dtype == np.int64
    assert result.merges.shape == (0, 4)
    assert result.n_clusters == 0


def test_one_sample():
    result = complete_linkage(np.ones((1, 3)), 1.0)
    assert result.labels.tolist() == [0]
    assert result.n_clusters == 1


def test_two_samples():
    result = complete_linkage([[0.0], [2.0]], 4.0)
    assert result.labels.tolist() == [0, 0]
    assert result.merges.tolist() == [[0.0, 1.0, 4.0, 2.0]]
    assert complete_linkage([[0.0], [2.0]], 3.9).labels.tolist() == [0, 1]


@pytest.mark.parametrize("threshold", [0.0, 0.5, np.inf])
def test_all_identical(threshold):
    result = complete_linkage(np.full((100, 7), 0.3, np.float32), threshold)
    assert not result.labels.any()
    assert not result.merges[:, 2].any()
    assert is_valid_linkage(result.merges)


def test_threshold_zero_merges_only_copies():
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    labels = complete_linkage(np.concatenate([X, X[::-1]]), 0).labels
    np.testing.assert_array_equal(labels, np.r_[np.arange(30), np.arange(30)[::-1]])


def test_heights_stay_within_a_threshold_that_float32_would_round_up():
    X = np.array([[0.0], [np.sqrt(0.1)]])
    threshold = float(squared_distances(X)[0])
    assert float(np.float32(threshold)) > threshold
    result = complete_linkage(X, threshold)
    assert result.n_clusters == 1
    assert result.merges[0, 2] == threshold


# ---- bad input


@pytest.mark.parametrize("function", [complete_linkage, radius_graph])
@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (np.zeros(3), {}, r"X must be 2-D \(n_samples, n_features\), got shape \(3,\)"),
        (np.zeros((2, 2, 2)), {}, r"X must be 2-D \(n_samples, n_features\), got shape \(2, 2, 2\)"),
        ([["a", "b"]], {}, "X must be a dense array of real numbers, got dtype <U1"),
        (np.zeros((2, 2), complex), {}, "X must be a dense array of real numbers, got dtype complex128"),
        (csr_array((3, 3)), {}, "X must be a dense array of vectors, got a sparse matrix: distances want metric=.*"),
        ([[0.0, 0.0], [1.0, np.nan]], {}, "X must be finite, got nan in row 1, column 1"),
        (np.array([[0.0], [1.0], [-np.inf]], np.float32), {}, "X must be finite, got -inf in row 2, column 0"),
        ([[1.0], [-2e150]], {}, r"X must lie within \+-1e\+150, for its squared distances overflow, got 2e\+150"),
        ([[0.0]], {"distance_threshold": -0.5}, "distance_threshold must be a distance >= 0, got -0.5"),
        ([[0.0]], {"distance_threshold": np.nan}, "distance_threshold must be a distance >= 0, got nan"),
        ([[0.0]], {"distance_threshold": "x"}, "distance_threshold must be a distance >= 0, got 'x'"),
        ([[0.0]], {"n_jobs": 0}, r"n_jobs must be None or a whole number other than 0 \(-1: all cores\), got 0"),
        ([[0.0]], {"n_jobs": 1.5}, r"n_jobs must be None or a whole number other than 0 \(-1: all cores\), got 1.5"),
    ],
)
def test_bad_input_gets_a_sentence(function, X, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        function(X, **({"distance_threshold": 1.0} | options))


@settings(deadline=None)
@given(
    n=st.integers(3, 30),
    seed=st.integers(0, 2**16),
    span=st.integers(0, 70),
    dtype=st.sampled_from([np.float32, np.float64]),
    quantile=st.floats(0, 1),
)
def test_squared_distances_of_all_sizes_together(n, seed, span, dtype, quantile):
    """One sample far away, or a few: the others' distances are as far from the largest as float64 reaches."""
    rng = np.random.default_rng(seed)
    sizes = 10.0 ** rng.uniform(-min(span, 18 if dtype == np.float32 else 70), min(span, 18), n)
    X = (rng.normal(size=(n, 3)) * sizes[:, None]).astype(dtype)
    distances = squared_distances(X)
    tree = linkage(distances, "complete")
    assume(len(np.unique(tree[:, 2])) == n - 1)
    threshold = np.quantile(tree[:, 2], quantile, method="nearest")
    # Where two pairs are the farthest but for rounding, the height may be the distance of either.
    np.testing.assert_allclose(complete_linkage(X).merges, tree, rtol=1e-12, atol=0)
    assert_equals_scipy(complete_linkage(X, threshold), distances, threshold)
