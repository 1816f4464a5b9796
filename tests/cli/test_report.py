"""The end of `bcl-fast cluster`, and the commands of the page but for what a browser shows."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from bcl_fast.results import read_result
from bcl_fast.tracks import TrackSet, read_edits, write_tracks
from tests.helpers.cli import refused, run
from tests.helpers.pages import DEGREES, THRESHOLD, write_film


@pytest.fixture
def folder(tmp_path):
    return write_film(tmp_path)


def clustered(folder, *options):
    result = run("cluster", folder / "tracks.parquet", "--threshold", THRESHOLD, "-o", folder / "r.parquet", *options)
    assert result.exit_code == 0, result.output
    return result


def test_cluster_ends_with_the_largest_clusters_and_what_to_do_next(folder):
    said = clustered(folder).stderr.splitlines()
    assert said[0].endswith(f"5 clusters -> {folder / 'r.parquet'}")
    header = next(place for place, line in enumerate(said) if "cluster   tracks   videos   frames   on_screen" in line)
    rows = [line.split(maxsplit=4) for line in said[header + 2 : header + 7]]
    assert [row[:4] for row in rows[:2]] == [["0", "4", "1", "244"], ["1", "3", "1", "183"]]
    assert re.fullmatch("[ ▁▂▃▄▅▆▇█]+", rows[0][4])
    assert "█" in rows[0][4]
    command = f"bcl-fast review {folder / 'r.parquet'} --tracks {folder / 'tracks.parquet'}"
    assert said[-1] == f"look at them, name and correct them: {command}"


def test_quiet_says_nothing_and_json_everything(folder):
    assert clustered(folder, "--quiet").output == ""
    outcome = json.loads(clustered(folder, "--json", "--force").stdout)
    assert (outcome["n_tracks"], outcome["n_clusters"], outcome["distance_threshold"]) == (11, 5, THRESHOLD)
    assert outcome["largest"][0]["tracks"] == 4
    assert outcome["files"] == [str(folder / "r.parquet")]
    result = run("cluster", folder / "tracks.parquet", "--threshold", 1, "-o", "-", "--json")
    assert result.exit_code == 2


def test_without_frames_there_is_no_strip(tmp_path):
    write_tracks(TrackSet.from_arrays(np.eye(12)), tmp_path / "tracks.parquet")
    said = clustered(tmp_path).stderr
    assert "on_screen" not in said
    assert "and 2 smaller clusters" in said
    assert json.loads(clustered(tmp_path, "--json", "--force").stdout)["largest"][0]["on_screen"] is None


def test_cluster_writes_the_page_too(folder):
    said = clustered(folder, "--report", folder / "page.html").stderr
    assert said.splitlines()[-1] == f"the page -> {folder / 'page.html'}"
    assert "<!DOCTYPE html>" in (folder / "page.html").read_text()


def test_report_says_what_is_left_out(folder):
    command = ("report", folder / "clusters.parquet", "--tracks", folder / "tracks.parquet", "-o", folder / "p.html")
    result = run(*command, "--max-megabytes", 0.002)
    assert result.exit_code == 0, result.output
    assert re.match(r"\d+ pictures left out, to keep those in the page within 0\.002 MB\n", result.stderr)
    assert "left out, to keep those in the page within 0.002 MB" in (folder / "p.html").read_text()
    (folder / "faces" / "0.jpg").write_bytes(b"no picture")
    (folder / "faces" / "1.jpg").unlink()
    assert "2 pictures could not be read" in run(*command, "--force").stderr


def test_bad_input_is_a_sentence(folder):
    files = (folder / "clusters.parquet", "--tracks", folder / "tracks.parquet")
    assert "a page is written as .html" in refused(folder, "report", *files, "-o", folder / "p.pdf")
    assert "frames_per_second must be a number above 0" in refused(
        folder, "report", *files, "-o", folder / "p.html", "--fps", "nan"
    )
    write_tracks(TrackSet.from_arrays(np.eye(2)), folder / "others.parquet")
    others = (folder / "clusters.parquet", "--tracks", folder / "others.parquet", "-o", folder / "p.html")
    assert "--tracks must hold tracks of the result, got none of them" in refused(folder, "report", *others)
    missing = refused(folder, "report", *files, "-o", folder / "p.html", "--pictures", folder / "nowhere")
    assert missing.startswith("the folder of pictures")
    (folder / "clusters.edits.json").write_text("{}")
    assert '"format" must be "bcl_fast.edits"' in refused(folder, "review", *files)


def test_a_result_without_embeddings_or_tracks_has_a_page(folder):
    assert run("cluster", folder / "tracks.parquet", "--threshold", 0.1, "-o", folder / "r.csv").exit_code == 0
    result = run("report", folder / "r.csv", "-o", folder / "p.html")
    assert result.exit_code == 0, result.output
    assert read_result(folder / "r.csv").n_tracks == len(DEGREES)
    assert not (folder / "clusters.edits.json").exists()
    with pytest.raises(ValueError, match="does not exist"):
        read_edits(folder / "clusters.edits.json")
