"""Results in which some tracks are in no cluster: described, written, read and added to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcl_fast import BallClustering
from bcl_fast.cluster._limits import Limits
from bcl_fast.results import (
    cluster_tracks,
    cluster_with_pairs,
    count_violated,
    describe_clusters,
    growth,
    name_clusters,
    read_result,
    update_result,
    write_result,
)
from bcl_fast.tracks import TrackPairs, TrackSet
from tests.helpers.results import assert_same, circle, tracks_of


def points_and_tracks(*degrees: float, video: str = "film") -> tuple[np.ndarray, TrackSet]:
    points = circle(*degrees)
    return points, TrackSet.from_arrays(points, video_ids=video)


def result_with_loners():
    points, tracks = points_and_tracks(0, 5, 90, 180, 183)
    return cluster_tracks(tracks, points, 0.02, min_cluster_size=2)


def test_tracks_of_small_clusters_are_in_none(tmp_path):
    result = result_with_loners()
    assert result.cluster_ids.tolist() == [0, 0, -1, 1, 1]
    assert result.cluster_sizes.tolist() == [2, 2, 0, 2, 2]
    assert result.n_clusters == 2
    assert np.isnan(result.distances_to_centroid).tolist() == [False, False, True, False, False]
    for name in ("r.csv", "r.parquet"):
        write_result(result, tmp_path / name)
        read = read_result(tmp_path / name)
        assert_same(result, read, decimals=6)
        assert read.n_clusters == 2


def test_all_tracks_may_be_in_no_cluster():
    result = describe_clusters(tracks_of(3), circle(0, 90, 180), [-1, -1, -1])
    assert result.n_clusters == 0
    assert result.cluster_sizes.tolist() == [0, 0, 0]


def test_limits_hold_in_each_video():
    points = circle(0, 5, 90, 180, 0, 60, 120, 240)
    tracks = TrackSet.from_arrays(points, video_ids=["a"] * 4 + ["b"] * 4)
    result = cluster_tracks(tracks, points, 0.02, per_video=True, max_clusters=2)
    assert [len(set(result.cluster_ids[tracks.video_ids == video])) for video in "ab"] == [2, 2]
    loners = cluster_tracks(tracks, points, 0.02, per_video=True, min_cluster_size=2)
    assert loners.cluster_ids.tolist() == [0, 0, -1, -1, -1, -1, -1, -1]
    assert cluster_tracks(tracks, points, 4.0, min_clusters=3).n_clusters == 3


def test_two_tracks_in_no_cluster_share_none():
    assert count_violated([-1, -1, 0, 0], np.array([[0, 1], [2, 3]])) == 1


def test_pairs_within_small_clusters_count_for_the_merges_above_them():
    # Without the pair 0-1 would merge first, then nothing within 0.1; with it 1 joins 2 and 3.
    points = circle(0, 4, 10, 13)
    pairs = TrackPairs(cannot_link=np.array([[0, 1]]))
    labels, violations = cluster_with_pairs(points, 0.03, pairs, limits=Limits(min_cluster_size=3))
    assert labels.tolist() == [-1, 0, 0, 0]
    assert violations.constrained == 0


def test_an_update_leaves_alone_who_was_alone():
    old = result_with_loners()
    added, tracks = points_and_tracks(2, 270, video="new")
    result = update_result(old, tracks, added, 0.02)
    assert result.cluster_ids.tolist() == [0, 0, -1, 1, 1, 0, 2]
    few = update_result(old, tracks, added, 0.02, min_cluster_size=2)
    assert few.cluster_ids.tolist() == [0, 0, -1, 1, 1, 0, -1]
    assert [(row.cluster_id, row.n_before, row.n_added) for row in growth(old, few)] == [(0, 2, 1)]


def test_new_tracks_open_a_cluster_with_one_that_was_alone():
    old = name_clusters(result_with_loners(), {0: "Ann"})
    added, tracks = points_and_tracks(92, 94, 300, video="new")
    result = update_result(old, tracks, added, 0.02, min_cluster_size=3)
    assert result.cluster_ids.tolist() == [0, 0, 2, 1, 1, 2, 2, -1]
    assert result.names is not None
    assert result.names.tolist() == ["Ann", "Ann", "", "", "", "", "", ""]
    assert [(row.cluster_id, row.n_before, row.n_added) for row in growth(old, result)] == [(2, 0, 3)]
    smaller = update_result(old, tracks, added, 0.02, min_cluster_size=4)
    assert smaller.cluster_ids.tolist() == [0, 0, -1, 1, 1, -1, -1, -1]


def test_must_link_pairs_draw_tracks_out_of_none():
    points, tracks = points_and_tracks(0, 5, 90, 180, 183, 240)
    old = cluster_tracks(tracks, points, 0.02, min_cluster_size=2)
    assert old.cluster_ids.tolist() == [0, 0, -1, 1, 1, -1]

    def updated(*pairs):
        return update_result(
            old, tracks, points, 0.02, pairs=TrackPairs(must_link=np.array(pairs))
        ).cluster_ids.tolist()

    assert updated((2, 3)) == [0, 0, 1, 1, 1, -1]
    assert updated((2, 5)) == [0, 0, 2, 1, 1, 2]
    assert updated((2, 5), (5, 0)) == [0, 0, 0, 1, 1, 0]
    with pytest.raises(ValueError, match="must pairs join the clusters 0 and 1 of the result"):
        updated((2, 0), (2, 3))


@pytest.mark.parametrize("seed", range(5))
def test_an_update_finds_the_clusters_of_the_estimator(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(60, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    tracks = TrackSet.from_arrays(points)
    old = cluster_tracks(tracks.select(np.arange(40)), points[:40], 0.2, min_cluster_size=2)
    result = update_result(old, tracks, points, 0.2, min_cluster_size=2)
    fitted = BallClustering(0.2, min_cluster_size=2).fit(points[:40]).partial_fit(points[40:])
    np.testing.assert_array_equal(result.cluster_ids[:40][old.cluster_ids >= 0], old.cluster_ids[old.cluster_ids >= 0])
    np.testing.assert_array_equal(result.cluster_ids < 0, fitted.labels_ < 0)
    kept = fitted.labels_ >= 0
    one, other = result.cluster_ids[kept], fitted.labels_[kept]
    np.testing.assert_array_equal(one[:, None] == one, other[:, None] == other)


def test_names_do_not_stick_to_tracks_in_no_cluster(tmp_path):
    result = replace(result_with_loners(), names=np.array(["Ann", "Ann", "", "Bob", "Bob"]))
    write_result(result, tmp_path / "r.csv")
    assert read_result(tmp_path / "r.csv").names.tolist() == ["Ann", "Ann", "", "Bob", "Bob"]
