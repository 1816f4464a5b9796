"""Clustering results: what is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast import evaluate
from bcl_fast.errors import InputError
from bcl_fast.results import cluster_tracks, describe_clusters, suggest_merges, update_result
from bcl_fast.tracks import TrackPairs
from tests.helpers.results import assert_same, circle, tracks_of


def test_size_and_distance_to_the_centroid_on_the_sphere():
    result = describe_clusters(tracks_of(4), circle(0, 60, 180, 90), [0, 0, 1, 2])
    chord = 2 * np.sin(np.radians(15))  # from 0 and 60 degrees to their centroid at 30
    np.testing.assert_allclose(result.distances_to_centroid, [chord, chord, 0, 0], atol=1e-6)
    assert result.cluster_sizes.tolist() == [2, 2, 1, 1]
    assert (result.n_tracks, result.n_clusters) == (4, 3)


def test_distances_to_the_mean_off_the_sphere():
    result = describe_clusters(tracks_of(3), [[0.0, 0.0], [4.0, 0.0], [9.0, 9.0]], [0, 0, 1])
    np.testing.assert_allclose(result.distances_to_centroid, [2, 2, 0], atol=1e-6)


def test_a_cluster_without_a_direction_has_finite_distances():
    result = describe_clusters(tracks_of(2), circle(0, 180), [0, 0])
    np.testing.assert_allclose(result.distances_to_centroid, [1, 1], atol=1e-6)


@given(n_tracks=st.integers(1, 30), n_clusters=st.integers(1, 5), seed=st.integers(0, 2**16))
def test_distances_equal_a_plain_loop(n_tracks, n_clusters, seed):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n_tracks, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    clusters = np.unique(rng.integers(0, n_clusters, n_tracks), return_inverse=True)[1]
    result = describe_clusters(tracks_of(n_tracks), points, clusters)
    for track in range(n_tracks):
        centroid = points[clusters == clusters[track]].sum(axis=0)
        centroid /= np.linalg.norm(centroid)
        assert result.distances_to_centroid[track] == pytest.approx(np.linalg.norm(points[track] - centroid), abs=1e-6)
        assert result.cluster_sizes[track] == np.sum(clusters == clusters[track])


def test_pairs_that_must_and_must_not_share_a_cluster():
    tracks = tracks_of(6, video_ids=["b", "a", "b", "a", "b", "a"])
    points = circle(0, 0, 1, 1, 90, 180)
    pairs = TrackPairs(must_link=np.array([[0, 4]]), cannot_link=np.array([[0, 2], [1, 3], [1, 2]]))
    together = cluster_tracks(tracks, points, 0.1, pairs=pairs)
    assert together.cluster_ids.tolist() == [0, 1, 2, 2, 0, 3]
    assert together.violations == (3, 3, 0)
    apart = cluster_tracks(tracks, points, 0.1, pairs=pairs, per_video=True)
    assert apart.cluster_ids.tolist() == [0, 2, 1, 3, 0, 4]
    assert apart.violations == (2, 2, 0)
    assert cluster_tracks(tracks, points, 0.1).violations is None
    across = TrackPairs(must_link=np.array([[0, 2], [2, 3]]))
    with pytest.raises(InputError, match="own, but track '2' of video 'b' and track '3' of video 'a' must share"):
        cluster_tracks(tracks, points, 0.1, pairs=across, per_video=True)


def test_all_videos_together_or_each_on_its_own():
    tracks = tracks_of(6, video_ids=["b", "a", "b", "a", "b", "a"])
    points = circle(0, 0, 1, 1, 90, 180)
    together = cluster_tracks(tracks, points, 0.1)
    apart = cluster_tracks(tracks, points, 0.1, per_video=True)
    assert together.cluster_ids.tolist() == [0, 0, 0, 0, 1, 2]
    assert apart.cluster_ids.tolist() == [0, 2, 0, 2, 1, 3]
    assert apart.cluster_sizes.tolist() == [2, 2, 2, 2, 1, 1]


def test_a_merge_at_exactly_the_threshold_is_made():
    points = np.array([[1, 0], [0, 1]], np.float32)
    assert cluster_tracks(tracks_of(2), points, 2.0).n_clusters == 1
    assert cluster_tracks(tracks_of(2), points, 1.99).n_clusters == 2


@pytest.mark.parametrize("threshold", [-1.0, float("nan")])
def test_thresholds_that_are_none(threshold):
    with pytest.raises(InputError, match="distance_threshold must be a distance >= 0, got"):
        cluster_tracks(tracks_of(2), circle(0, 1), threshold)


POINTS = np.eye(3)
BAD_POINTS = {
    "too few": (POINTS[:2], r"embeddings must be one point for each of the 3 tracks, got shape \(2, 3\)"),
    "1-D": (POINTS[0], r"embeddings must be one point for each of the 3 tracks, got shape \(3,\)"),
    "text": (POINTS.astype("U3"), "embeddings must be real numbers, got dtype <U3"),
    "not finite": (POINTS * np.nan, "embeddings must be finite, got a value that is not for track '0' of video 'film'"),
    "none": (None, "embeddings must be an array, got None"),
}


@pytest.mark.parametrize("case", BAD_POINTS)
def test_points_that_are_not_one_for_each_track(case):
    points, sentence = BAD_POINTS[case]
    tracks, old = tracks_of(3), cluster_tracks(tracks_of(3), POINTS, 0.1)
    for function in (
        lambda: cluster_tracks(tracks, points, 0.1),
        lambda: update_result(old, tracks, points, 0.1),
        lambda: describe_clusters(tracks, points, [0, 1, 2]),
        lambda: evaluate(replace(tracks, labels=np.array(["a", "b", "b"])), points, distance_threshold=0.1),
    ):
        with pytest.raises(InputError, match=f"^{sentence}"):
            function()


@pytest.mark.parametrize("kind", [torch.from_numpy, lambda x: torch.from_numpy(x).requires_grad_(), pd.DataFrame])
def test_points_of_any_kind(kind):
    tracks, points = tracks_of(3), circle(0, 10, 90)
    wanted = cluster_tracks(tracks, points, 0.1)
    assert_same(cluster_tracks(tracks, kind(points), 0.1), wanted)
    assert_same(update_result(wanted, tracks, kind(points), 0.1), wanted)
    assert suggest_merges(wanted, embeddings=kind(points)) == suggest_merges(wanted)
