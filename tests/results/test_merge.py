"""Clusters of one person become one: by name, or by a list."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.results import (
    ClusteringResult,
    cluster_tracks,
    describe_clusters,
    merge_clusters,
    name_clusters,
    read_result,
    update_result,
    write_result,
)
from bcl_fast.tracks import TrackSet
from tests.helpers.cli import refused, run

ANGLES = np.radians([0, 10, 90, 100, 180, 270])
POINTS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)
TRACKS = TrackSet.from_arrays(POINTS)


def result() -> ClusteringResult:
    """Clusters 0 0 1 1 2 3."""
    return cluster_tracks(TRACKS, POINTS, 0.5)


def test_a_list_merges_as_the_clusters_would_be_described():
    merged = merge_clusters(result(), [[3, 1], [1, 2]])
    assert merged.cluster_ids.tolist() == [0, 0, 1, 1, 1, 1]
    expected = describe_clusters(TRACKS, POINTS, merged.cluster_ids)
    np.testing.assert_array_equal(merged.distances_to_centroid, expected.distances_to_centroid)
    assert merged.cluster_sizes.tolist() == [2, 2, 4, 4, 4, 4]
    np.testing.assert_array_equal(merged.embeddings, POINTS)


def test_other_clusters_keep_their_numbers():
    numbered = replace(result(), cluster_ids=np.array([40, 40, 7, 7, 10**12, 3]))
    assert merge_clusters(numbered, [[10**12, 7]]).cluster_ids.tolist() == [40, 40, 7, 7, 7, 3]


def test_one_name_makes_one_cluster():
    named = name_clusters(result(), {0: "Ann", 2: "Ann", 1: "Bob"})
    merged = merge_clusters(named)
    assert merged.cluster_ids.tolist() == [0, 0, 1, 1, 0, 3]
    assert merged.names.tolist() == ["Ann", "Ann", "Bob", "Bob", "Ann", ""]
    assert merge_clusters(result()).cluster_ids.tolist() == result().cluster_ids.tolist()
    assert merge_clusters(named, [[2, 3]]).names.tolist() == ["Ann", "Ann", "Bob", "Bob", "Ann", "Ann"]


def test_without_embeddings_distances_of_merged_clusters_are_not_known():
    merged = merge_clusters(replace(result(), embeddings=None), [[0, 2]])
    assert np.isnan(merged.distances_to_centroid).tolist() == [True, True, False, False, True, False]
    assert merged.cluster_sizes.tolist() == [3, 3, 2, 2, 3, 1]


def test_merges_that_cannot_be():
    with pytest.raises(InputError, match="clusters to merge must be clusters of the result, got 9, which it lacks"):
        merge_clusters(result(), [[0, 9]])
    with pytest.raises(InputError, match="clusters of one person must have one name, got 'Ann' and 'Bob'"):
        merge_clusters(name_clusters(result(), {0: "Ann", 1: "Bob"}), [[0, 1]])


def test_a_merged_result_takes_new_tracks():
    merged = merge_clusters(result(), [[0, 2]])
    new = TrackSet.from_arrays(POINTS[[4, 0]], video_ids="new")
    assert update_result(merged, new, POINTS[[4, 0]], 0.1).cluster_ids[6:].tolist() == [4, 5]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_command(tmp_path, suffix):
    write_result(result(), tmp_path / f"r.{suffix}")
    (tmp_path / "names.csv").write_text("cluster_id,name\n0,Ann\n3,Ann\n")
    done = run("merge", tmp_path / f"r.{suffix}", "--names", tmp_path / "names.csv", "--clusters", "1, 2",
               "-o", tmp_path / f"m.{suffix}")  # fmt: skip
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"4 clusters merged into 2 -> {tmp_path / f'm.{suffix}'}\n"
    merged = read_result(tmp_path / f"m.{suffix}")
    assert merged.cluster_ids.tolist() == [0, 0, 1, 1, 1, 0]
    assert merged.names.tolist() == ["Ann", "Ann", "", "", "", "Ann"]


def test_the_command_refuses(tmp_path):
    write_result(result(), tmp_path / "r.csv")
    for group in ("3", "3,x", "3,-1", "1," + "9" * 5000, ""):
        message = refused(tmp_path, "merge", tmp_path / "r.csv", "--clusters", group, "-o", tmp_path / "m.csv")
        assert "--clusters must be two numbers of clusters or more, such as 3,7, got" in message
    assert "would overwrite the input" in refused(
        tmp_path, "merge", tmp_path / "r.csv", "-o", tmp_path / "r.csv", "--force"
    )
