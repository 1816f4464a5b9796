"""The most central tracks of clusters, and a face of each."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.results import (
    describe_clusters,
    name_clusters,
    representative_faces,
    representative_tracks,
    write_representatives,
)
from bcl_fast.tracks import TrackSet
from tests.helpers.results import circle, tracks_of


def example():
    points = circle(0, 10, 4, 90, 200, 210, 300)
    return describe_clusters(tracks_of(7), points, [2, 2, 2, 0, 1, 1, -1])


def test_the_most_central_tracks_cluster_by_cluster():
    assert representative_tracks(example(), 1).tolist() == [3, 4, 2]
    assert representative_tracks(example(), 2).tolist() == [3, 4, 5, 2, 0]
    assert representative_tracks(example(), 9).tolist() == [3, 4, 5, 2, 0, 1]


@settings(deadline=None)
@given(n=st.integers(1, 40), seed=st.integers(0, 2**16), per_cluster=st.integers(1, 4))
def test_equals_sorting_each_cluster(n, seed, per_cluster):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(-1, 6, n)
    result = describe_clusters(tracks_of(n), rng.normal(size=(n, 3)), clusters)
    wanted = []
    for cluster in sorted(set(clusters.tolist()) - {-1}):
        rows = np.flatnonzero(clusters == cluster).tolist()
        wanted += sorted(rows, key=lambda row: (result.distances_to_centroid[row], row))[:per_cluster]
    assert representative_tracks(result, per_cluster).tolist() == wanted


def faces_and_result():
    features = [[0.0, 0], [2, 0], [1, 0], [5, 5], [9, 9], [9, 8]]  # the mean of the first track is its third face
    tracks = TrackSet.from_arrays(
        features,
        [0, 3, 4, 6],
        track_ids=["a", "b", "c"],
        frames=[7, 8, 9, 1, 2, 3],
        images=["0", "1", "2", "", "4", "5"],
    )
    return tracks, describe_clusters(tracks, tracks.mean_features(), [0, 1, 1])


def test_the_face_nearest_to_the_mean_of_its_track():
    tracks, result = faces_and_result()
    assert representative_faces(result, tracks, 1).tolist() == [2, 3]
    shuffled = tracks.select([2, 0, 1])
    assert shuffled.images[representative_faces(result, shuffled, 2)].tolist() == ["2", "", "4"]
    with pytest.raises(InputError, match=r"^the tracks must hold all that the result has, got none named b in "):
        representative_faces(result, tracks.select([0]), 1)


def test_the_table(tmp_path):
    tracks, result = faces_and_result()
    named = name_clusters(result, {0: 'Ann, the "first"'})
    write_representatives(named, tracks.select([0, 1]), tmp_path / "r.csv", per_cluster=2)
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = "cluster_id,name,rank,track_id,video_id,distance_to_centroid,face,frame,image"
    assert ",".join(rows[0]) == columns
    assert [list(row.values()) for row in rows] == [
        ["0", 'Ann, the "first"', "1", "a", "video", "0.0", "2", "9", "2"],
        ["1", "", "1", "b", "video", rows[1]["distance_to_centroid"], "0", "1", ""],
        ["1", "", "2", "c", "video", rows[2]["distance_to_centroid"], "", "", ""],
    ]
    with pytest.raises(InputError, match="exists already"):
        write_representatives(result, tracks, tmp_path / "r.csv")
    with pytest.raises(InputError, match=r"^representatives are written as \.csv, got the name .*r\.parquet$"):
        write_representatives(result, tracks, tmp_path / "r.parquet")


@pytest.mark.parametrize(("number", "sentence"), [(0, "must be at least 1, got 0"), (1.5, "must be a whole number")])
def test_how_many_is_checked(number, sentence):
    with pytest.raises(InputError, match=f"^per_cluster {sentence}"):
        representative_tracks(example(), number)
