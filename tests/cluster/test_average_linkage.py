"""`average_linkage` against SciPy, a slow twin and the invariants that hold whatever ties do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_monotonic, is_valid_linkage, linkage

from bcl_fast import average_linkage
from bcl_fast.errors import InputError
from tests.helpers.linkage import (
    assert_is_an_average_linkage,
    average_linkage_reference,
    by_first_appearance,
    have_ties,
    identities,
    squared_distances,
)


def between_heights(tree, share):
    """A threshold halfway between two heights: at one, the last bit of SciPy's sums would decide."""
    heights = np.append(0, tree[:, 2])
    place = round(share * (len(heights) - 1))
    return float(np.append(heights, heights[-1] * 2)[place : place + 2].mean())


def assert_equals_scipy(result, tree, threshold):
    wanted = tree[tree[:, 2] <= threshold]
    np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))
    assert result.n_clusters == result.labels.max() + 1
    np.testing.assert_array_equal(result.merges[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(result.merges[:, 2], wanted[:, 2], rtol=1e-12)


# ---- against SciPy


@settings(deadline=None)
@given(
    n=st.integers(2, 60),
    dim=st.integers(1, 20),
    seed=st.integers(0, 2**16),
    share=st.floats(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_equals_scipy(n, dim, seed, share, dtype):
    X = np.random.default_rng(seed).normal(size=(n, dim)).astype(dtype)
    distances = squared_distances(X)
    assume(not have_ties(distances))
    tree = linkage(distances, "average")
    threshold = between_heights(tree, share)
    assert_equals_scipy(average_linkage(X, threshold), tree, threshold)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(50, 150), k=st.integers(1, 12), seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_equals_scipy_on_clustered_data(n, k, seed, share):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(k, 6))[rng.integers(k, size=n)] + 0.2 * rng.normal(size=(n, 6))
    tree = linkage(squared_distances(X), "average")
    threshold = between_heights(tree, share)
    assert_equals_scipy(average_linkage(X, threshold), tree, threshold)


@pytest.mark.parametrize("threshold", [0.2, 0.6, 1.1, np.inf])
def test_equals_scipy_on_thousands(threshold):
    X = identities(4000, 24)  # enough that the screen looks at leading directions, of means with spreads
    tree = linkage(squared_distances(X), "average")
    assert_equals_scipy(average_linkage(X, threshold), tree, threshold)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scale", "offset"), [(1e18, 0.0), (1e-20, 0.0), (1.0, 1e6), (1e3, 1e6), (1e140, 0.0)])
def test_huge_tiny_and_far_data(scale, offset, dtype):
    if scale > 1e30 and dtype == np.float32:
        pytest.skip("float32 ends at 3e38")
    X = (np.random.default_rng(8).normal(size=(80, 10)) * scale + offset).astype(dtype)
    tree = linkage(squared_distances(X), "average")
    for share in (0.1, 0.5, 1):
        threshold = between_heights(tree, share)
        assert_equals_scipy(average_linkage(X, threshold), tree, threshold)


@pytest.mark.parametrize("scale", [2.0**496, 2.0**-496])
def test_as_far_as_float64_reaches(scale):
    """Squared distances times squared sizes would overflow."""
    X = np.random.default_rng(8).normal(size=(2000, 3)) * scale
    result, plain = average_linkage(X, n_clusters=1), average_linkage(X / scale, n_clusters=1)
    np.testing.assert_array_equal(result.merges[:, [0, 1, 3]], plain.merges[:, [0, 1, 3]])
    np.testing.assert_allclose(result.merges[:, 2], plain.merges[:, 2] * scale * scale, rtol=1e-12)


def test_tight_clusters_far_apart():
    """Means that were rounded beside the distance of the groups would lose the digits of what is inside."""
    rng = np.random.default_rng(0)
    X = np.array([[0.0], [1e7], [3e7]])[rng.integers(3, size=90)] + 1e-3 * rng.normal(size=(90, 5))
    tree = linkage(squared_distances(X), "average")
    assert_equals_scipy(average_linkage(X), tree, np.inf)


def test_infinite_threshold_gives_the_full_dendrogram():
    result = average_linkage(identities(500, 8))
    assert is_valid_linkage(result.merges)
    assert is_monotonic(result.merges)
    assert result.n_clusters == 1


@pytest.mark.parametrize("n_clusters", [1, 7, 300, 600])
def test_a_number_of_clusters(n_clusters):
    X = identities(600, 12)
    result = average_linkage(X, n_clusters=n_clusters)
    tree = linkage(squared_distances(X), "average")
    wanted = by_first_appearance(fcluster(tree, n_clusters, "maxclust"))
    np.testing.assert_array_equal(result.labels, wanted)
    assert result.n_clusters == n_clusters


def test_cosine_distances():
    X = np.random.default_rng(0).normal(size=(200, 6))
    tree = linkage(X, "average", "cosine")
    assert_equals_scipy(average_linkage(X, 0.4, metric="cosine"), tree, 0.4)


# ---- ties, and the threshold itself


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(2, 40),
    dim=st.integers(1, 3),
    width=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    threshold=st.integers(0, 30),
)
def test_integer_grid(n, dim, width, seed, threshold):
    X = np.random.default_rng(seed).integers(0, width, size=(n, dim))
    assert_is_an_average_linkage(average_linkage(X, threshold), squared_distances(X), threshold)


@settings(deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 2**16), offset=st.sampled_from([0, 2**30]))
def test_whole_numbers_merge_at_exactly_their_mean(n, seed, offset):
    X = np.random.default_rng(seed).integers(0, 1000, size=(n, 4)) + offset
    distances = squared_distances(X)
    assume(not have_ties(distances))
    square = np.zeros((n, n))
    square[np.triu_indices(n, 1)] = distances
    square += square.T
    members = [[i] for i in range(n)]
    for left, right, height, _ in average_linkage(X).merges:
        left, right = members[int(left)], members[int(right)]
        members.append(left + right)
        assert height == square[np.ix_(left, right)].sum() / (len(left) * len(right))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(3, 40), seed=st.integers(0, 2**16), dtype=st.sampled_from([np.float32, np.float64]))
def test_merges_at_exactly_the_threshold_and_not_below(n, seed, dtype):
    X = np.random.default_rng(seed).normal(size=(n, 5)).astype(dtype)
    heights = average_linkage(X).merges[:, 2]
    assume((np.diff(heights) > 0).all())
    for i in (0, len(heights) // 2, len(heights) - 1):
        assert average_linkage(X, heights[i]).n_clusters == n - 1 - i
        assert average_linkage(X, np.nextafter(heights[i], 0)).n_clusters == n - i


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 30), seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_copies_count_as_often_as_they_are_there(n, seed, share):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).astype(np.float32)[rng.integers(n, size=2 * n)]
    distances = squared_distances(X)
    threshold = between_heights(linkage(distances, "average"), share)
    assert_is_an_average_linkage(average_linkage(X, threshold), distances, threshold)


@pytest.mark.parametrize("order", ["as_is", "reversed", "shuffled"])
@pytest.mark.parametrize("steps", ["equal", "growing", "shrinking"])
def test_collinear(steps, order):
    gaps = {"equal": np.ones(80), "growing": np.linspace(1, 2, 80), "shrinking": np.linspace(2, 1, 80)}[steps]
    line = np.cumsum(gaps)
    line = {"as_is": line, "reversed": line[::-1], "shuffled": np.random.default_rng(1).permutation(line)}[order]
    X = line[:, None] * np.array([[3.0, 4.0, 0.0]])
    for threshold in (30.0, 1e3, np.inf):
        assert_is_an_average_linkage(average_linkage(X, threshold), squared_distances(X), threshold)


def test_all_distances_equal():
    result = average_linkage(np.eye(40, dtype=np.float32), 2.0)
    assert_is_an_average_linkage(result, squared_distances(np.eye(40)), 2.0)
    assert result.n_clusters == 1
    assert average_linkage(np.eye(40), 1.999).n_clusters == 40


# ---- constraints


@settings(deadline=None)
@given(
    n=st.integers(2, 25),
    n_must=st.integers(0, 6),
    n_cannot=st.integers(0, 12),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
def test_constraints_equal_a_slow_twin(n, n_must, n_cannot, share, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    must_link, cannot_link = rng.integers(0, n, (n_must, 2)), rng.integers(0, n, (n_cannot, 2))
    linked = np.eye(n, dtype=bool)
    linked[must_link[:, 0], must_link[:, 1]] = linked[must_link[:, 1], must_link[:, 0]] = True
    for _ in range(n):
        linked = (linked.astype(int) @ linked) > 0
    cannot_link = cannot_link[~linked[cannot_link[:, 0], cannot_link[:, 1]]]
    square = ((X[:, None] - X) ** 2).sum(2)
    threshold = np.quantile(square, share) * (1 + 1e-9)
    square[linked] = 0
    square[cannot_link[:, 0], cannot_link[:, 1]] = square[cannot_link[:, 1], cannot_link[:, 0]] = np.inf
    labels, heights = average_linkage_reference(square, threshold)
    result = average_linkage(X, threshold, must_link=must_link, cannot_link=cannot_link)
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_allclose(result.merges[:, 2], heights, rtol=1e-12)


def test_a_pair_that_cannot_link_is_not_linked_through_others():
    X = [[0.0], [1.0], [0.6]]
    np.testing.assert_array_equal(average_linkage(X, 9.0, cannot_link=[(0, 1)]).labels, [0, 1, 1])


# ---- small, and bad input


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_samples(n):
    result = average_linkage(np.arange(2.0 * n).reshape(n, 2), 8.0)
    assert result.labels.tolist() == [0] * n
    assert result.merges[:, 2].tolist() == [8.0] * (n - 1)


@pytest.mark.parametrize("metric", ["euclidean", "precomputed"])
def test_metrics_without_means(metric):
    with pytest.raises(InputError, match=f"^average linkage needs the metric 'sqeuclidean' .*, got '{metric}'$"):
        average_linkage([[0.0]], 1.0, metric=metric)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distance_threshold": -1}, "distance_threshold must be a distance >= 0, got -1"),
        ({"n_clusters": 3}, r"n_clusters must be between 1 and n_samples \(1\), got 3"),
        ({"metric": "cityblock"}, "metric must be one of"),
        ({"memory_limit": 0}, "memory_limit must be a positive number of bytes, got 0"),
        ({"cannot_link": [(0, 0)]}, r"cannot_link has the pair \(0, 0\), but they are the same sample"),
    ],
)
def test_bad_input_gets_a_sentence(options, message):
    with pytest.raises(InputError, match=message):
        average_linkage([[0.0]], **options)
