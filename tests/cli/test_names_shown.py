"""Names of videos, tracks, people and clusters, whatever they hold, in what the commands print."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bcl_fast.results import name_clusters, read_result, write_result
from bcl_fast.tracks import TrackSet, write_tracks
from tests.helpers.cli import run
from tests.helpers.processes import shown_on_a_terminal

MARKUP = ["[/b]", "[bold]x[/bold]", ":cat:", "[link=file:///etc]x", "\\[", "$\\frac$"]
ACTING = ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\rb\nc", "\x9b2J", "\u202ecod.exe"]
BCL_FAST = [sys.executable, "-m", "bcl_fast"]


def tracks_named(name: str) -> TrackSet:
    """Tracks of two people in a video, and of one in another; all names of theirs hold ``name``."""
    return TrackSet.from_arrays(
        np.array([[1, 0], [0.9, 0.1], [0, 1], [1, 0.1]], np.float32),
        track_ids=[f"{name}{number}" for number in range(4)],
        video_ids=[f"{name}v", f"{name}v", f"{name}v", f"{name}w"],
        labels=[f"{name}A", f"{name}A", f"{name}B", f"{name}A"],
    )


@pytest.fixture
def result(tmp_path, request) -> Path:
    """A result of which every name holds the parameter of the test."""
    name = request.param
    write_tracks(tracks_named(name), tmp_path / "tracks.parquet")
    arguments = ("cluster", tmp_path / "tracks.parquet", "--threshold", "0.1", "-o")
    assert run(*arguments, tmp_path / "bare.parquet").exit_code == 0
    named = name_clusters(read_result(tmp_path / "bare.parquet"), {0: f"{name}Ann"})
    write_result(named, tmp_path / "result.parquet")
    return tmp_path / "result.parquet"


@pytest.mark.parametrize("result", MARKUP, indirect=True, ids=repr)
def test_markup_in_names_is_shown_as_it_is(result, request):
    name = request.node.callspec.params["result"]
    tracks = result.with_name("tracks.parquet")
    rows = run("evaluate", tracks, "--clusters", result)
    assert rows.exit_code == 0
    assert f" {name}v " in rows.stdout
    rows = run("suggest", result)
    assert rows.exit_code == 0
    assert f" {name}v " in rows.stdout
    assert f" {name}Ann " in rows.stdout
    grown = replace(tracks_named(name), track_ids=np.array([f"{name}{i}" for i in range(4, 8)], object))
    write_tracks(grown, result.with_name("new.parquet"))
    rows = run("cluster", result.with_name("new.parquet"), "--threshold", 0.1, "--update", result, "-o", "-")
    assert rows.exit_code == 0
    assert f" {name}Ann " in rows.stderr


@pytest.mark.parametrize("result", ACTING, indirect=True, ids=repr)
def test_what_programs_read_is_as_it_is(result, request):
    name = request.node.callspec.params["result"]
    rows = list(csv.DictReader(io.StringIO(run("suggest", result, "--format", "csv").stdout, newline="")))
    assert rows[0]["video_a"].startswith(name)
    assert json.loads(run("suggest", result, "--format", "json").stdout)[0]["video_a"].startswith(name)


@pytest.mark.parametrize(
    "command",
    [
        ["cluster", "tracks.parquet", "--threshold", "0.1", "-o", "-"],
        ["evaluate", "tracks.parquet", "--clusters", "result.parquet"],
        ["evaluate", "tracks.parquet", "--clusters", "result.parquet", "--csv"],
        ["suggest", "result.parquet"],
        ["suggest", "result.parquet", "--format", "csv"],
        ["suggest", "result.parquet", "--format", "json"],
        ["merge", "result.parquet", "-o", "-"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("result", ["\x1b]0;title\x07\x9b2J\u202e\x7f\n"], indirect=True, ids=["acting"])
def test_what_people_read_does_not_act(result, command):
    shown = shown_on_a_terminal([*BCL_FAST, *command], result.parent, stream="stdout")
    for acting in ("\x1b]0", "\x07", "\x9b", "\u202e", "\x7f"):
        assert acting not in shown
    assert "1b" in shown or "\\x1" in shown


def test_binary_tracks_do_not_go_to_a_terminal(tmp_path):
    command = [*BCL_FAST, "simulate", "--scale", "0.001", "-o", "-"]
    assert shown_on_a_terminal(command, tmp_path, stream="stdout", code=1) == ""
