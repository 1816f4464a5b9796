"""Scores per video and over all videos."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.cluster.hierarchy as hierarchy
from scipy.spatial.distance import pdist
from sklearn.metrics import normalized_mutual_info_score

from bcl_fast.errors import InputError
from bcl_fast.evaluation import EvaluationRow, evaluate, score_clusterer
from bcl_fast.models import raw_embeddings
from bcl_fast.tracks import TrackPairs, TrackSet, groups_of_videos

LINE = np.array([[0.0], [0.1], [5.0], [5.2], [9.0], [0.2], [5.1]], np.float32)


def two_videos(labels=("ann", "ann", "bob", "bob", "cy", "ann", "bob")) -> TrackSet:
    videos = ["first"] * 5 + ["second"] * 2
    return TrackSet.from_arrays(LINE + 1, video_ids=videos, labels=labels)


def test_rows_of_each_video_and_of_all_by_hand():
    rows = evaluate(two_videos(), LINE, distance_threshold=1.0)
    assert all(isinstance(row, EvaluationRow) for row in rows)
    assert [row[:4] for row in rows] == [("first", 5, 3, 3), ("second", 2, 2, 2), ("all", 7, 3, 3)]
    assert [row[4:] for row in rows] == [pytest.approx((1, 1, 1, 0, 0, 0))] * 3


def test_wrong_clusters_cost_by_hand():
    merged = evaluate(two_videos(), LINE, distance_threshold=30.0)[0]
    assert merged[:4] == ("first", 5, 3, 2)
    assert merged.wcp == pytest.approx(4 / 5)
    assert merged.b_cubed_f == pytest.approx(2 * (11 / 15) / (1 + 11 / 15))
    assert evaluate(two_videos(), LINE, distance_threshold=1e6)[2][3:6] == pytest.approx((1, 0, 3 / 7))


def test_pairs_are_kept_apart_and_counted_by_hand():
    # clusters without them: {0, 1} and {2, 3, 4}; {5, 6}; over all {0, 1, 5} and {2, 3, 4, 6}
    pairs = TrackPairs(cannot_link=np.array([[0, 1], [0, 2], [5, 6], [2, 6], [4, 6]]))
    rows = evaluate(two_videos(), LINE, distance_threshold=30.0, pairs=pairs)
    assert [row[-3:] for row in rows] == [(2, 1, 0), (1, 1, 0), (5, 3, 0)]
    plain = evaluate(two_videos(), LINE, distance_threshold=30.0)
    assert [row[-3:] for row in plain] == [(0, 0, 0)] * 3


def test_names_are_people_over_all_videos():
    different = two_videos(["ann", "ann", "bob", "bob", "cy", "dan", "eve"])
    combined = evaluate(different, LINE, distance_threshold=1.0)[-1]
    assert (combined.n_identities, combined.n_clusters) == (5, 3)
    assert combined.nmi < 1


def test_one_video_has_no_combined_row():
    tracks = two_videos().select(np.arange(5))
    assert [row.video for row in evaluate(tracks, LINE[:5], distance_threshold=1.0)] == ["first"]


@pytest.mark.parametrize("n_clusters", ["true", 3])
def test_a_number_of_clusters_is_scipys_cut(n_clusters):
    rng = np.random.default_rng(0)
    points, labels = rng.standard_normal((60, 4)), rng.integers(0, 9, 60)
    tracks = TrackSet.from_arrays(points, labels=labels)
    row = evaluate(tracks, points, n_clusters=n_clusters)[0]
    merges = hierarchy.linkage(pdist(points, "sqeuclidean"), "complete")
    wanted = 9 if n_clusters == "true" else n_clusters
    expected = hierarchy.fcluster(merges, wanted, "maxclust")
    assert row.n_clusters == wanted
    assert row.nmi == pytest.approx(normalized_mutual_info_score(labels, expected))


def test_raw_embeddings_are_mean_features_of_unit_norm():
    features = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    tracks = TrackSet.from_arrays(features, [0, 2, 5])
    means = np.stack([features[:2].mean(axis=0), features[2:].mean(axis=0)])
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(raw_embeddings(tracks), expected, atol=1e-6)
    opposite = TrackSet.from_arrays([[1.0, 0.0], [1.0, 2.0], [-1.0, -2.0]], [0, 1, 3], track_ids=["a", "b"])
    with pytest.raises(InputError, match="got the zero vector for track 'b' of video 'video'"):
        raw_embeddings(opposite)


@pytest.mark.parametrize(
    ("embeddings", "options", "message"),
    [
        (
            LINE[:5],
            {"distance_threshold": 1.0},
            r"embeddings must be one point for each of the 7 tracks, got shape \(5, 1\)",
        ),
        (LINE, {}, "evaluation wants either a distance_threshold or n_clusters"),
        (LINE, {"distance_threshold": 1.0, "n_clusters": 2}, "evaluation wants either"),
        (LINE, {"distance_threshold": -1.0}, "distance_threshold must be a distance >= 0"),
        (LINE, {"distance_threshold": np.nan}, "distance_threshold must be a distance >= 0"),
        (LINE, {"n_clusters": 6}, r"n_clusters must be between 1 and n_samples \(5\), got 6 \(clustering first\)"),
        (LINE, {"n_clusters": "ture"}, "n_clusters must be 'true' or a number, got 'ture'"),
        (LINE, {"n_clusters": 2, "pairs": TrackPairs()}, "constraints on pairs want a distance_threshold"),
        (np.where(LINE == 9, np.nan, LINE), {"distance_threshold": 1.0}, "embeddings must be finite, got .* track '4'"),
    ],
)
def test_bad_input_is_a_sentence(embeddings, options, message):
    with pytest.raises(InputError, match=message):
        evaluate(two_videos(), embeddings, **options)


def test_labels_are_wanted():
    with pytest.raises(InputError, match="label"):
        evaluate(TrackSet.from_arrays(LINE), LINE, distance_threshold=1.0)


def test_the_true_number_of_people_is_found_in_bounded_memory():
    """25,000 tracks have 3 * 10^8 pairs; told the number of people, they are clustered as at a threshold."""
    rng = np.random.default_rng(0)
    people = rng.permutation(np.repeat(np.arange(2_500), 10))
    points = rng.standard_normal((2_500, 16))[people] + 0.01 * rng.standard_normal((25_000, 16))
    (row,) = evaluate(TrackSet.from_arrays(points, labels=people), points, n_clusters="true")
    assert (row.n_clusters, row.nmi, row.wcp) == (2_500, 1.0, 1.0)


def test_any_clusterer_is_scored_and_told_the_number_of_people():
    told = []

    def by_sign(points, n_identities):
        told.append((len(points), n_identities))
        return (points[:, 0] > 3).astype(np.int64)

    rows = score_clusterer(two_videos(), LINE, by_sign)
    assert told == [(5, 3), (2, 2), (7, 3)]
    assert [row.n_clusters for row in rows] == [2, 2, 2]


def test_series_are_groups_of_their_episodes():
    videos = ["bbt_s01e01", "buffy_s05e01", "bbt_s01e02", "film", "series1-episode01", "buffy_s05e02", "buffy_s05e02"]
    tracks = TrackSet.from_arrays(LINE, video_ids=videos, labels=["a"] * 7)
    groups = {name: members.tolist() for name, members in groups_of_videos(tracks, series=True)}
    assert list(groups)[:6] == list(dict.fromkeys(videos))
    assert list(groups)[6:] == ["bbt (2 videos)", "buffy (2 videos)", "all"]
    assert groups["bbt (2 videos)"] == [0, 2]
    assert groups["buffy (2 videos)"] == [1, 5, 6]
    assert [name for name, _ in groups_of_videos(tracks, series=False)] == [*dict.fromkeys(videos), "all"]


def test_one_series_is_all_videos():
    tracks = TrackSet.from_arrays(LINE, video_ids=["s01e01"] * 3 + ["s01e02"] * 4, labels=["a"] * 7)
    assert [name for name, _ in groups_of_videos(tracks, series=True)] == ["s01e01", "s01e02", "all"]


@pytest.mark.parametrize("size", [1e-36, 1e-25, 3e19, 2e38])
def test_raw_embeddings_of_features_of_any_size(size):
    features = (np.eye(4, 3) + 0.5).astype(np.float32)
    tracks = [TrackSet.from_arrays(x, range(5)) for x in (features, features * np.float32(size))]
    np.testing.assert_allclose(*(raw_embeddings(x) for x in tracks), rtol=1e-5)


def test_scores_are_of_the_labelled_part():
    labels = ["ann", "", "bob", "bob", "cy", None, None]
    tracks = two_videos(labels)
    with pytest.warns(
        UserWarning, match="3 of 7 tracks have no label and are clustered with the others, but not scored"
    ):
        rows = evaluate(tracks, LINE, distance_threshold=30.0)
    assert [row.video for row in rows] == ["first", "all"]  # nobody is known in the second
    points = np.delete(LINE, [1, 5, 6], axis=0)
    assert [row[1:] for row in rows] == [evaluate(tracks.labelled(), points, distance_threshold=30.0)[0][1:]] * 2
    with pytest.warns(UserWarning, match="3 of 7 tracks have no label and are left out"):
        rows = evaluate(tracks, LINE, n_clusters="true")
    assert [row[:4] for row in rows] == [("first", 4, 3, 3)]


def test_tracks_without_a_label_join_clusters():
    # ann and cy meet in one cluster through the unlabelled track between them
    tracks = TrackSet.from_arrays(np.array([[0.0], [1.0], [0.5]]), labels=["ann", "cy", ""])
    with pytest.warns(UserWarning, match="1 of 3 tracks has no label"):
        (row,) = evaluate(tracks, tracks.features, distance_threshold=1.0)
    assert (row.n_tracks, row.n_identities, row.n_clusters, row.wcp) == (2, 2, 1, 0.5)
