"""Which clusters may be one person, the likeliest first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast.errors import InputError
from bcl_fast.results import _suggestions, describe_clusters, name_clusters, suggest_merges
from tests.helpers.results import circle, tracks_of


def slow_twin(points, clusters, cannot_link, named):
    square = cdist(points, points, "sqeuclidean")
    found = []
    numbers = sorted(set(clusters.tolist()) - {-1})
    for a in numbers:
        for b in numbers:
            one, other = np.flatnonzero(clusters == a), np.flatnonzero(clusters == b)
            forbidden = any({clusters[i], clusters[j]} == {a, b} for i, j in cannot_link)
            if a < b and not forbidden and not {a, b} <= set(named):
                between = square[np.ix_(one, other)]
                found.append((between.mean(), a, b, between.min()))
    return sorted(found)


@settings(deadline=None, max_examples=100)
@given(
    n=st.integers(1, 40),
    seed=st.integers(0, 2**16),
    limit=st.integers(1, 12),
    n_pairs=st.integers(0, 8),
    chunk=st.sampled_from([1, 7, 1 << 22]),
)
def test_equals_a_slow_twin(n, seed, limit, n_pairs, chunk):
    rng = np.random.default_rng(seed)
    points, clusters = rng.normal(size=(n, 4)).astype(np.float32) + 30, 3 * rng.integers(0, 8, n) - 1
    clusters[clusters < 0] = -1
    pairs = rng.integers(0, n, (n_pairs, 2))
    result = describe_clusters(tracks_of(n), points, clusters)
    numbers = sorted(set(clusters.tolist()) - {-1})
    result = name_clusters(result, {number: f"name {number}" for number in numbers[:3]})
    wanted = slow_twin(points, clusters, pairs.tolist(), numbers[:3])[:limit]
    old, _suggestions._CHUNK = _suggestions._CHUNK, chunk
    try:
        found = suggest_merges(result, cannot_link=pairs, limit=limit)
    finally:
        _suggestions._CHUNK = old
    assert [(row.cluster_a, row.cluster_b) for row in found] == [(a, b) for _, a, b, _ in wanted]
    np.testing.assert_allclose([row.distance for row in found], [distance for distance, *_ in wanted], rtol=1e-9)
    for row, (_, a, b, nearest) in zip(found, wanted, strict=True):
        assert (clusters[row.row_a], clusters[row.row_b]) == (a, b)
        between = np.square(points[row.row_a].astype(np.float64) - points[row.row_b]).sum()
        assert between == pytest.approx(nearest)


def example():
    return describe_clusters(tracks_of(5), circle(0, 10, 30, 100, 104), [0, 0, 1, 2, 2])


def test_the_nearest_pair_comes_first():
    first, *others = suggest_merges(example())
    assert (first.cluster_a, first.cluster_b, first.row_a, first.row_b) == (0, 1, 1, 2)
    assert [(row.cluster_a, row.cluster_b) for row in others] == [(1, 2), (0, 2)]
    assert len(suggest_merges(example(), limit=2)) == 2


def test_who_is_known_to_be_two_people_is_left_out():
    assert [row[:2] for row in suggest_merges(example(), cannot_link=[(2, 0)])] == [(1, 2), (0, 2)]
    named = name_clusters(example(), {0: "Ann", 2: "Bob"})
    assert [row[:2] for row in suggest_merges(named)] == [(0, 1), (1, 2)]


def test_one_cluster_or_none_has_no_pairs():
    for clusters in ([0, 0, 0], [-1, -1, -1], [-1, 4, -1]):
        assert suggest_merges(describe_clusters(tracks_of(3), circle(0, 1, 2), clusters)) == []


def test_other_points_may_be_given():
    bare = replace(example(), embeddings=None)
    assert suggest_merges(bare, embeddings=circle(0, 10, 30, 100, 104)) == suggest_merges(example())
    with pytest.raises(InputError, match=r"^the result has no embeddings: give them, or a result that was written as"):
        suggest_merges(bare)
    with pytest.raises(match=r"^embeddings must be one point for each of the 5 tracks, got shape"):
        suggest_merges(bare, embeddings=circle(0, 1, 2, 3))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"cannot_link": [(0, 5)]}, r"cannot_link must hold rows in \[0, 5\), got 0 to 5"),
        ({"cannot_link": [0, 1]}, r"cannot_link must be pairs of rows, got int64 of shape \(2,\)"),
    ],
)
def test_bad_arguments_are_named(options, sentence):
    with pytest.raises(InputError, match=f"^{sentence}$"):
        suggest_merges(example(), **options)
