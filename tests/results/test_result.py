"""Clustering results: what is computed, and that files give back what was written."""

from __future__ import annotations

import io
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.results import ClusteringResult, cluster_tracks, describe_clusters, read_result, write_result
from bcl_fast.results._result import COLUMNS
from bcl_fast.tracks import TrackPairs, TrackSet

AWKWARD = ["0001", 'say "hi"', "a,b", "zwei\nZeilen", "Zoë", " padded "]


def tracks_of(n_tracks: int, video_ids=None) -> TrackSet:
    return TrackSet.from_arrays(np.ones((n_tracks, 2)), video_ids="film" if video_ids is None else video_ids)


def circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def example() -> ClusteringResult:
    tracks = TrackSet.from_arrays(np.ones((6, 2)), track_ids=AWKWARD, video_ids=AWKWARD[::-1])
    return describe_clusters(tracks, circle(0, 10, 90, 100, 20, 200), [0, 0, 1, 1, 0, 2])


def assert_same(one: ClusteringResult, other: ClusteringResult, decimals: int | None = None) -> None:
    for name, column in one.columns().items():
        if column.dtype == np.float32 and decimals is not None:
            np.testing.assert_allclose(other.columns()[name], column, atol=0.6 * 10**-decimals)
        else:
            np.testing.assert_array_equal(other.columns()[name], column)
        assert other.columns()[name].dtype.kind == column.dtype.kind


# --- what is computed


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


# --- files


def test_parquet_gives_back_what_was_written(tmp_path):
    write_result(example(), tmp_path / "result.parquet")
    assert_same(example(), read_result(tmp_path / "result.parquet"))
    assert tuple(pq.read_schema(tmp_path / "result.parquet").names) == (*COLUMNS, "embedding")
    np.testing.assert_array_equal(read_result(tmp_path / "result.parquet").embeddings, example().embeddings)


def test_csv_gives_back_what_was_written(tmp_path):
    write_result(example(), tmp_path / "result.csv")
    assert_same(example(), read_result(tmp_path / "result.csv"), decimals=6)


def test_csv_is_plain(tmp_path):
    result = describe_clusters(tracks_of(2), circle(0, 60), [0, 0])
    write_result(result, tmp_path / "result.csv")
    lines = (tmp_path / "result.csv").read_bytes().decode().split("\n")
    assert lines == [",".join(COLUMNS), "0,film,0,0.517638,2", "1,film,0,0.517638,2", ""]


def test_minus_is_csv_on_standard_output(capsys, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write_result(describe_clusters(tracks_of(1), circle(0), [0]), "-")
    assert stream.getvalue() == ",".join(COLUMNS) + "\n0,film,0,0.0,1\n"


def test_other_columns_and_orders_are_fine(tmp_path):
    (tmp_path / "r.csv").write_text(
        "name,cluster_size,distance_to_centroid,cluster_id,video_id,track_id\nAnn,1,0.5,7,film,0003\n"
    )
    result = read_result(tmp_path / "r.csv")
    assert (result.track_ids[0], result.cluster_ids[0], result.cluster_sizes[0]) == ("0003", 7, 1)


def test_an_existing_result_is_kept_without_force(tmp_path):
    path = tmp_path / "result.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write_result(example(), path)
    assert path.read_text() == "mine"
    write_result(example(), path, force=True)
    assert read_result(path).n_tracks == 6


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "", "must have the columns track_id, .* got none named track_id"),
        ("r.csv", "track_id,video_id\n1,a\n", "got none named cluster_id, distance_to_centroid, cluster_size"),
        ("r.csv", f"{HEADER}\n1,a,0\n", "must have 5 columns in every line, got 3 in line 2"),
        ("r.csv", f"{HEADER}\n1,a,none,0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,1.5,0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,{10**30},0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,0,far,1\n", "column 'distance_to_centroid' of .* must be numbers"),
        ("r.csv", b"\xff\xfe\x00", "must be CSV in UTF-8"),
        ("r.parquet", b"PAR1", "must be a whole Parquet file"),
        ("r.parquet", b"", "must be a whole Parquet file"),
        ("r.txt", "", "must end in .parquet or .csv"),
    ],
)
def test_broken_results(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / name)


def test_a_missing_result(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_result(tmp_path / "r.csv")


def test_missing_values_in_parquet(tmp_path):
    columns = {name: pa.array(["1", None]) for name in COLUMNS}
    pq.write_table(pa.table(columns), tmp_path / "r.parquet")
    with pytest.raises(InputError, match=r"column 'track_id' of .* must be text in every row .a value is missing."):
        read_result(tmp_path / "r.parquet")


def test_a_result_without_tracks(tmp_path):
    (tmp_path / "r.csv").write_text(HEADER + "\n")
    assert read_result(tmp_path / "r.csv").n_tracks == 0
