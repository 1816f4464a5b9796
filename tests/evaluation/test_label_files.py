"""Clusters of other tools: read from what files they write, and scored."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from bcl_fast.errors import InputError
from bcl_fast.evaluation import evaluate, evaluate_labels, read_labels
from bcl_fast.results import cluster_tracks, write_result
from bcl_fast.tracks import TrackPairs, TrackSet, write_tracks
from tests.helpers.cli import refused, run

# v: a and b; w: a and c
TRACKS = TrackSet.from_arrays(
    np.eye(4), track_ids=list("abac"), video_ids=list("vvww"), labels=["Ann", "Bob", "Ann", "Cy"], frames=[1, 1, 1, 1]
)
WANTED = ["7", "8", "7", ""]
RECORDS = [
    {"video_id": "v", "track_id": "a", "cluster_id": 7},
    {"video_id": "v", "track_id": "b", "cluster_id": 8},
    {"video_id": "w", "track_id": "a", "cluster_id": 7},
    {"video_id": "w", "track_id": "c", "cluster_id": -1},
]
ONE = TRACKS.select([0, 1, 3])  # no track id twice


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", "video_id,track_id,cluster_id\nw,c,-1\nw,a,7\nv,b,8\nv,a,7\n"),
        ("l.csv", "score,cluster,track,video\n1,7,a,v\n1,8,b,v\n0,7,a,w\n1,,c,w\n"),
        ("l.csv", "v,a,7\nv,b,8\nw,a,7\n"),
        ("l.csv", "cluster\n7\n8\n7\n-1\n"),
        ("l.tsv", "video\ttrack\tlabel\nv\ta\t7\nv\tb\t8\nw\ta\t7\n"),
        ("l.txt", "7\n8\n7\n-1\n"),
        ("l.txt", "v a 7\n\nv b 8\nw a 7\n"),
        ("labels", "v,a,7\nv, b, 8\nw,a,7\n"),
        ("l.json", json.dumps({"v": {"a": 7, "b": 8}, "w": {"a": 7.0, "c": None}})),
        ("l.json", json.dumps(RECORDS)),
        ("l.json", "[7, 8, 7, -1]"),
        ("l.json", '["7", "8", "7", null]'),
    ],
)
def test_files_that_name_videos_or_keep_the_order(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name, TRACKS).tolist() == WANTED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", "a,7\nb,8\n"),
        ("l.csv", "track_id,cluster_id\na,7\nb,8\n"),
        ("l.csv", "face,label\na,7\nb,8\n"),
        ("l.txt", "a 7\nb 8\nc -1\n"),
        ("l.json", '{"a": 7, "b": 8}'),
        ("l.json", '{"7": ["a"], "8": ["b"], "-1": ["c"]}'),
    ],
)
def test_files_without_videos(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_labels(tmp_path / name, ONE).tolist() == ["7", "8", ""]


def test_tables_of_other_kinds(tmp_path):
    table = pa.Table.from_pylist(RECORDS)
    pq.write_table(table, tmp_path / "l.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "l.feather")
    np.save(tmp_path / "l.npy", np.array([7, 8, 7, -1]))
    write_result(cluster_tracks(TRACKS, np.eye(4)[[0, 1, 0, 2]], 0.5), tmp_path / "result.parquet")
    for name in ("l.parquet", "l.feather", "l.npy"):
        assert read_labels(tmp_path / name, TRACKS).tolist() == WANTED
    assert read_labels(tmp_path / "result.parquet", TRACKS).tolist() == ["0", "1", "0", "2"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("l.csv", "", "must have a track and a cluster in every line, got nothing"),
        ("l.csv", "a,7\nb\n", "must have 2 columns in every line, got 1"),
        ("l.csv", "a,7\nb,8\n", "names the track 'a', which is in 2 videos, say in a column video_id which"),
        ("l.csv", "v,a,7\nv,a,8\n", "must give each track one cluster, got '7' and '8' for track 'a' of video 'v'"),
        ("l.csv", "x,y\nz,1\n", "must name tracks that are among the 4, got none of them"),
        ("l.csv", "track_id,x,y,z\na,1,2,3\n", "must have columns track_id, cluster_id and, if needed, video_id, got"),
        ("l.csv", b"\xff\xfe", "must be CSV in UTF-8"),
        ("l.txt", "7\n8\n", "must hold a cluster for each of the 4 tracks, or name the tracks, got 2 clusters"),
        ("l.txt", "7\na 8\n", "must have cluster, 'track cluster' or 'video track cluster' in every line, got 1 and 2"),
        ("l.txt", "", "got no words"),
        ("l.txt", b"\xff", "must be text in UTF-8"),
        ("l.json", "{", "must be JSON"),
        ("l.json", "[" * 100_000, "must be JSON"),
        ("l.json", f"[{'9' * 5000}]", "must be JSON"),
        ("l.json", "7", "must hold an object or a list, got 7"),
        (
            "l.json",
            "[1.5, 1, 1, 1]",
            "must hold tracks and clusters (a cluster must be text or whole numbers, got 1.5)",
        ),
        ("l.json", "[Infinity, 1, 1, 1]", "must hold tracks and clusters (a cluster must be"),
        ("l.json", '{"v": {"a": [1]}}', "must hold tracks and clusters (a cluster must be"),
        ("l.npy", "hello", "a .npy array is wanted, this one is truncated or something else"),
        ("l.parquet", "hello", "a Parquet file is wanted"),
    ],
)
def test_bad_files(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=re.escape(sentence)) as caught:
        read_labels(tmp_path / name, TRACKS)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_tracks_that_are_not_there_are_left_out(tmp_path):
    (tmp_path / "l.csv").write_text("v,a,7\nx,a,7\nv,q,7\n")
    with pytest.warns(UserWarning, match=r"2 tracks of .*l.csv are not among the tracks: they are left out"):
        assert read_labels(tmp_path / "l.csv", TRACKS).tolist() == ["7", "", "", ""]


def test_scores_equal_those_of_the_clusters_themselves():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((40, 2)).astype(np.float32)
    tracks = TrackSet.from_arrays(points, labels=rng.integers(0, 5, 40))
    labels = cluster_tracks(tracks, points, 1.0).cluster_ids
    assert evaluate_labels(tracks, labels) == evaluate(tracks, points, distance_threshold=1.0)


def test_a_track_in_no_cluster_is_one_of_its_own():
    pairs = TrackPairs(cannot_link=np.array([[0, 1], [2, 3]]))
    rows = evaluate_labels(TRACKS, ["x", "x", None, ""], pairs=pairs)
    assert [row[:4] for row in rows] == [("v", 2, 2, 1), ("w", 2, 2, 2), ("all", 4, 3, 3)]
    assert [row[-3:] for row in rows] == [(1, 1, 1), (1, 0, 0), (2, 1, 1)]
    with pytest.raises(InputError, match="labels must hold a cluster for each of the 4 tracks, got 1"):
        evaluate_labels(TRACKS, ["x"])


def test_the_command(tmp_path):
    write_tracks(TRACKS, tmp_path / "t.parquet")
    (tmp_path / "l.csv").write_text("v,a,7\nv,b,8\nw,a,7\n")
    done = run("evaluate", tmp_path / "t.parquet", "--clusters", tmp_path / "l.csv", "--json", "--raw")
    rows = json.loads(done.stdout)
    assert [(row["method"], row["video"], row["n_clusters"], row["wcp"]) for row in rows[:3]] == [
        ("l.csv", "v", 2, 1.0), ("l.csv", "w", 2, 1.0), ("l.csv", "all", 3, 1.0),
    ]  # fmt: skip
    assert done.stderr == f"1 track of 4 without a cluster in {tmp_path / 'l.csv'}: each counts as its own\n"
    for options in ((), ("--model", "m.safetensors", "--clusters", "l.csv")):
        usage = run("evaluate", tmp_path / "t.parquet", *options)
        assert (usage.exit_code, "give either --model or --clusters" in usage.stderr) == (2, True)
    assert "none.csv does not exist" in refused(
        tmp_path, "evaluate", tmp_path / "t.parquet", "--clusters", tmp_path / "none.csv"
    )
