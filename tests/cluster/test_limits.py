"""Fewest and most clusters, and clusters that are too small to be any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast import BallClustering, complete_linkage, cut_merges
from bcl_fast.errors import InputError


def sizes_after(merges: np.ndarray, n_samples: int, n_merges: int) -> np.ndarray:
    return np.bincount(cut_merges(merges, n_samples, n_samples - n_merges))


@settings(deadline=None, max_examples=150)
@given(
    n=st.integers(1, 25),
    seed=st.integers(0, 2**16),
    threshold=st.floats(0, 8),
    size=st.integers(1, 5),
    fewest=st.none() | st.integers(1, 10),
    most=st.none() | st.integers(1, 10),
)
def test_the_nearest_cut_that_the_limits_allow(n, seed, threshold, size, fewest, most):
    X = np.random.default_rng(seed).normal(size=(n, 2))
    options = {"min_clusters": fewest, "max_clusters": most, "min_cluster_size": size}
    whole = complete_linkage(X).merges
    n_made = len(complete_linkage(X, threshold).merges)
    counts = [int((sizes_after(whole, n, place) >= size).sum()) for place in range(n)]
    first = n_made if most is not None and counts[n_made] > most else 0  # too many: merging goes on
    allowed = [p for p in range(first, n) if (fewest or 0) <= counts[p] and (most is None or counts[p] <= most)]
    if not allowed or (fewest and most and fewest > most):
        with pytest.raises(InputError, match=r"cannot be had|min_clusters must be at most max_clusters"):
            complete_linkage(X, threshold, **options)
        return
    result = complete_linkage(X, threshold, **options)
    place = len(result.merges)
    assert place in allowed
    assert abs(place - n_made) == min(abs(p - n_made) for p in allowed)
    np.testing.assert_array_equal(result.merges, whole[:place])
    assert result.n_clusters == counts[place] == len(set(result.labels.tolist()) - {-1})
    clusters = cut_merges(whole, n, n - place)
    is_small = np.bincount(clusters)[clusters] < size
    np.testing.assert_array_equal(result.labels < 0, is_small)
    kept = result.labels[~is_small]
    assert len(set(zip(kept, clusters[~is_small], strict=True))) == result.n_clusters
    assert kept[np.sort(np.unique(kept, return_index=True)[1])].tolist() == list(range(result.n_clusters))
    fitted = BallClustering(threshold, **options).fit(X)
    np.testing.assert_array_equal(fitted.labels_, result.labels)
    assert fitted.n_clusters_ == result.n_clusters


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine", "precomputed"])
def test_with_any_metric(metric):
    X = np.random.default_rng(0).normal(size=(30, 3))
    X = np.abs(X @ X.T) * (1 - np.eye(30)) if metric == "precomputed" else X
    for options in ({"max_clusters": 3}, {"min_clusters": 12}, {"max_clusters": 3, "min_cluster_size": 3}):
        result = complete_linkage(X, 0.3, metric=metric, **options)
        assert options.get("min_clusters", 0) <= result.n_clusters <= options.get("max_clusters", 30)


def test_n_clusters_counts_those_that_are_large_enough():
    X = [[0.0], [1.0], [2.0], [50.0], [51.0], [52.0], [1000.0]]
    result = complete_linkage(X, n_clusters=2, min_cluster_size=2)
    assert result.labels.tolist() == [0, 0, 0, 1, 1, 1, -1]
    with pytest.raises(InputError, match=r"^n_clusters=2 of min_cluster_size=4 cannot be had of 7 samples$"):
        complete_linkage(X, n_clusters=2, min_cluster_size=4)


def test_too_many_clusters_are_merged_not_broken_up():
    X = [[0.0], [1.0], [10.0], [11.0], [30.0], [31.0]]
    apart = [(0, 2), (2, 4), (0, 4)]
    with pytest.raises(InputError, match=r"^max_clusters=2 of min_cluster_size=2 cannot be had by any further merge: "):
        complete_linkage(X, 1.0, max_clusters=2, min_cluster_size=2, cannot_link=apart)
    assert complete_linkage(X, 1.0, max_clusters=2, min_cluster_size=2).labels.tolist() == [0, 0, 0, 0, 1, 1]


def test_constraints_hold_within_the_limits():
    X = [[0.0], [1.0], [5.0]]
    assert complete_linkage(X, 0.5, max_clusters=2, cannot_link=[(0, 1)]).labels.tolist() == [0, 1, 1]
    with pytest.raises(InputError, match=r"^max_clusters=1 cannot be had by any further merge: they leave 2 to 3$"):
        complete_linkage(X, 0.5, max_clusters=1, cannot_link=[(0, 1)])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"min_clusters": 0}, "min_clusters must be >= 1, got 0"),
        ({"max_clusters": -1}, "max_clusters must be >= 1, got -1"),
        ({"min_cluster_size": 0}, "min_cluster_size must be >= 1, got 0"),
        ({"min_cluster_size": 1.5}, "min_cluster_size must be a whole number, got 1.5"),
        ({"min_cluster_size": None}, "min_cluster_size must be a whole number, got None"),
        ({"min_clusters": 3, "max_clusters": 2}, "min_clusters must be at most max_clusters (2), got 3"),
        ({"min_clusters": 4}, "min_clusters=4 cannot be had of 3 samples"),
        (
            {"n_clusters": 2, "max_clusters": 2},
            "n_clusters excludes min_clusters and max_clusters: give the one or the others",
        ),
    ],
)
def test_limits_that_are_none_are_said_before_the_work(options, sentence):
    seen = []
    with pytest.raises(InputError) as raised:
        complete_linkage(np.eye(3), progress=seen.append, **options)
    assert str(raised.value) == sentence
    with pytest.raises(InputError) as raised:
        BallClustering(**options).fit(np.eye(3))
    assert str(raised.value) == sentence
    assert seen == []


def test_new_samples_of_small_clusters(tmp_path):
    pytest.importorskip("safetensors")
    fitted = BallClustering(1.0, min_cluster_size=2).fit([[0.0], [10.0], [10.5], [20.0], [30.0]])
    assert fitted.labels_.tolist() == [-1, 0, 0, -1, -1]
    fitted.save(tmp_path / "a.safetensors")
    for clustering in (fitted, BallClustering.load(tmp_path / "a.safetensors")):
        assert clustering.n_clusters_ == 1
        assert clustering.predict([[0.5], [10.2], [20.1], [50.0]]).tolist() == [-1, 0, -1, -1]
        clustering.partial_fit([[20.5], [10.1], [70.0], [0.2]])
        assert clustering.labels_.tolist() == [1, 0, 0, 2, -1, 2, 0, -1, 1]
        assert clustering.changes_.grown.tolist() == [0]
        assert clustering.changes_.opened.tolist() == [1, 2]
        clustering.partial_fit([[30.2], [20.2]])
        assert clustering.labels_.tolist() == [1, 0, 0, 2, 3, 2, 0, -1, 1, 3, 2]
        assert clustering.changes_.grown.tolist() == [2]
        assert clustering.changes_.opened.tolist() == [3]


def test_samples_none_of_which_is_in_a_cluster(tmp_path):
    pytest.importorskip("safetensors")
    fitted = BallClustering(1.0, min_cluster_size=2).fit([[0.0], [10.0]])
    assert fitted.n_clusters_ == 0
    fitted.save(tmp_path / "a.safetensors")
    assert BallClustering.load(tmp_path / "a.safetensors").predict([[0.0]]).tolist() == [-1]


def test_where_the_limits_move_the_cut_new_samples_go_by_it():
    X = [[0.0], [1.0], [10.0], [12.0]]
    assert BallClustering(1.0, max_clusters=2).fit(X).predict([[11.0], [14.0]]).tolist() == [1, -1]
    assert BallClustering(np.inf, min_clusters=2).fit(X).predict([[11.0], [14.0]]).tolist() == [1, -1]
    assert BallClustering(9.0, min_clusters=2).fit(X).predict([[13.0]]).tolist() == [1]  # the threshold left two
