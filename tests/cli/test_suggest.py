"""`bcl-fast suggest`, and what `bcl-fast cluster` does with limits and representatives."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from bcl_fast.results import name_clusters, read_result, suggest_merges, write_result
from bcl_fast.tracks import TrackSet, automatic_pairs, read_tracks, write_tracks
from tests.helpers.cli import refused, run
from tests.helpers.results import circle

CLUSTER = ("--threshold", "0.02")


@pytest.fixture
def files(tmp_path):
    points = np.repeat(circle(0, 5, 12, 14, 90, 180), 2, axis=0)
    tracks = TrackSet.from_arrays(
        points, np.arange(0, 13, 2), track_ids=list("abcdef"), frames=[0, 9, 20, 29, 40, 49, 60, 69, 45, 55, 70, 79]
    )
    write_tracks(tracks, tmp_path / "tracks.parquet")
    for name in ("r.parquet", "r.csv"):
        assert run("cluster", tmp_path / "tracks.parquet", *CLUSTER, "-o", tmp_path / name).exit_code == 0
    return tmp_path


def printed(*arguments):
    result = run("suggest", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_pairs_are_those_of_the_library(files):
    found = printed(files / "r.parquet", "--limit", 3)
    wanted = suggest_merges(read_result(files / "r.parquet"), limit=3)
    assert [(row["cluster_a"], row["cluster_b"]) for row in found] == [row[:2] for row in wanted]
    assert found[0]["distance"] == pytest.approx(wanted[0].distance, abs=1e-6)
    assert (found[0]["track_a"], found[0]["track_b"], found[0]["tracks_a"]) == ("b", "c", 2)


def test_tracks_on_screen_together_are_not_asked_about(files):
    pairs = automatic_pairs(read_tracks(files / "tracks.parquet")).cannot_link
    assert pairs.tolist() == [[2, 4]]  # c and e
    tracks = ("--tracks", files / "tracks.parquet")
    clusters = [(row["cluster_a"], row["cluster_b"]) for row in printed(files / "r.parquet", *tracks)]
    everything = [(row["cluster_a"], row["cluster_b"]) for row in printed(files / "r.parquet")]
    assert set(everything) - set(clusters) == {(1, 2)}
    assert printed(files / "r.parquet", *tracks, "--constraints", "none") == printed(files / "r.parquet")


def test_a_csv_result_takes_the_points_of_its_tracks(files):
    tracks = ("--tracks", files / "tracks.parquet")
    assert printed(files / "r.csv", *tracks) == printed(files / "r.parquet", *tracks)
    assert "the result has no embeddings: give its --tracks" in refused(files, "suggest", files / "r.csv")
    few = read_tracks(files / "tracks.parquet").select([0, 1])
    write_tracks(few, files / "few.parquet")
    sentence = refused(files, "suggest", files / "r.csv", "--tracks", files / "few.parquet")
    assert sentence == "--tracks must hold all tracks of the result, got none named c in the video video"


def test_forms(files):
    rows = list(csv.DictReader(io.StringIO(run("suggest", files / "r.parquet", "--format", "csv").stdout)))
    assert [row["track_a"] for row in rows] == [row["track_a"] for row in printed(files / "r.parquet")]
    table = run("suggest", files / "r.parquet").stdout
    assert "cluster_a" in table
    assert "name_a" not in table
    named = name_clusters(read_result(files / "r.parquet"), {0: "[/b]Ann"})
    write_result(named, files / "named.parquet")
    assert "[/b]Ann" in run("suggest", files / "named.parquet").stdout


def test_nothing_to_ask(files):
    options = ("--threshold", "9", "--constraints", "none", "-o", files / "one.parquet")
    assert run("cluster", files / "tracks.parquet", *options).exit_code == 0
    result = run("suggest", files / "one.parquet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no two clusters may be one person\n")
    assert printed(files / "one.parquet") == []


def test_limits_on_clusters(files):
    def clusters(*options):
        result = run("cluster", files / "tracks.parquet", *CLUSTER, "-o", files / "l.parquet", "--force", *options)
        assert result.exit_code == 0, result.output
        return read_result(files / "l.parquet").cluster_ids.tolist(), result.stderr

    assert clusters()[0] == [0, 0, 1, 1, 2, 3]
    assert clusters("--min-cluster-size", 2)[0] == [0, 0, 1, 1, -1, -1]
    assert "2 tracks in no cluster of 2 or more" in clusters("--min-cluster-size", 2)[1]
    assert len(set(clusters("--max-clusters", 3)[0])) == 3
    assert len(set(clusters("--min-clusters", 5)[0])) == 5
    sentence = refused(files, "cluster", files / "tracks.parquet", *CLUSTER, "-o", files / "m.csv", "--min-clusters", 7)
    assert sentence == "min_clusters=7 cannot be had of 6 samples"


def test_an_update_keeps_to_the_least_size(files):
    options = (*CLUSTER, "--min-cluster-size", 2)
    run("cluster", files / "tracks.parquet", *options, "-o", files / "a.parquet")
    points = circle(91, 270)
    write_tracks(TrackSet.from_arrays(points, video_ids="new"), files / "new.parquet")
    update = ("cluster", files / "new.parquet", *options, "--update", files / "a.parquet", "-o", files / "b.parquet")
    assert run(*update).exit_code == 0
    assert read_result(files / "b.parquet").cluster_ids.tolist() == [0, 0, 1, 1, 2, -1, 2, -1]
    assert run(*update, "--force", "--max-clusters", 3).exit_code == 2


def test_representatives(files):
    options = ("--representatives", files / "faces.csv", "--per-cluster", 1)
    assert run("cluster", files / "tracks.parquet", *CLUSTER, "-o", files / "c.csv", *options).exit_code == 0
    rows = list(csv.DictReader(io.StringIO((files / "faces.csv").read_text())))
    assert [(row["cluster_id"], row["track_id"], row["face"], row["frame"]) for row in rows] == [
        ("0", rows[0]["track_id"], "0", rows[0]["frame"]),
        ("1", rows[1]["track_id"], "0", rows[1]["frame"]),
        ("2", "e", "0", "45"),
        ("3", "f", "0", "70"),
    ]
    again = ("cluster", files / "tracks.parquet", *CLUSTER, "-o", files / "d.csv", *options)
    assert "exists already" in refused(files, *again)
    both = ("cluster", files / "tracks.parquet", *CLUSTER, "-o", files / "e.csv", "--representatives", files / "e.csv")
    assert "two outputs are one file" in refused(files, *both)
