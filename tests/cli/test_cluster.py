"""`bcl-fast cluster`: the clusters of the library, from files and options; with calibrated models and pairs."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import typer.main

from bcl_fast.cli import app
from bcl_fast.cluster import average_linkage, complete_linkage
from bcl_fast.models import load_model, raw_embeddings
from bcl_fast.results import count_violated, read_result
from bcl_fast.results._result import COLUMNS
from bcl_fast.tracks import automatic_pairs, read_tracks, write_tracks
from bcl_fast.tracks._pairs import DUPLICATE_IOU
from tests.helpers.cli import QUICK, films, listing, refused, run, without_labels


@pytest.mark.parametrize("name", ["result.csv", "result.parquet"])
def test_clusters_are_those_of_the_library(folder, tmp_path, name):
    result = run("cluster", folder / "test.parquet", "--model", folder / "model.safetensors", "-o", tmp_path / name)
    assert (result.exit_code, result.stdout) == (0, "")
    tracks, model = read_tracks(folder / "test.parquet"), load_model(folder / "model.safetensors")
    pairs = automatic_pairs(tracks)
    expected = complete_linkage(model.embed_tracks(tracks), model.distance_threshold, cannot_link=pairs.cannot_link)
    found = read_result(tmp_path / name)
    np.testing.assert_array_equal(found.cluster_ids, expected.labels)
    np.testing.assert_array_equal(found.track_ids, tracks.track_ids)
    np.testing.assert_array_equal(found.video_ids, tracks.video_ids)
    assert f": {expected.n_clusters} cluster" in result.stderr
    assert result.stderr.startswith("48 tracks, ")


def test_average_linkage_on_request(folder, tmp_path):
    file, wanted = folder / "test.parquet", {}
    tracks = read_tracks(file)
    points = raw_embeddings(tracks)
    for linkage, merge in {"complete": complete_linkage, "average": average_linkage}.items():
        options = ("--threshold", 0.8, "--linkage", linkage, "--constraints", "none", "-o", tmp_path / f"{linkage}.csv")
        assert run("cluster", file, *options).exit_code == 0
        wanted[linkage] = merge(points, 0.8).labels
        np.testing.assert_array_equal(read_result(tmp_path / f"{linkage}.csv").cluster_ids, wanted[linkage])
    assert wanted["complete"].max() > wanted["average"].max()
    assert run("cluster", file, "--threshold", 0.8, "--linkage", "single", "-o", "-").exit_code == 2


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_an_update_goes_on_by_the_linkage_of_the_result(suffix, folder, tmp_path):
    file, old, new = folder / "test.parquet", tmp_path / f"old{suffix}", tmp_path / f"new{suffix}"
    options = ("--threshold", 0.8, "--constraints", "none")
    assert run("cluster", file, *options, "--linkage", "average", "-o", old).exit_code == 0
    assert run("cluster", file, *options, "--update", old, "-o", new).exit_code == 0
    assert read_result(new).linkage == "average"
    other = ("--linkage", "complete", "-o", tmp_path / f"x{suffix}")
    sentence = refused(tmp_path, "cluster", file, *options, "--update", old, *other)
    assert "made by average linkage, got complete" in sentence


def test_clustering_without_a_model_scales_the_features_to_unit_norm(tmp_path):
    np.save(tmp_path / "e.npy", np.array([[3.0, 0], [1, 0.1], [-1, 5], [-1, 6], [-1, -1]]))
    result = run("cluster", tmp_path / "e.npy", "--threshold", "1", "-o", "-")
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert [row[:3] for row in rows[1:]] == [[str(track), "e", str(track // 2)] for track in range(5)]


def test_several_files_together_or_each_video_on_its_own(folder, tmp_path):
    files = (folder / "test.parquet", folder / "val.parquet")
    for option in ("--combined", "--per-video"):
        run("cluster", *files, "--threshold", "1.2", "-o", tmp_path / f"{option}.csv", option)
    run("cluster", *files, "--threshold", "1.2", "-o", tmp_path / "default.csv")
    combined, apart = (read_result(tmp_path / f"--{name}.csv") for name in ("combined", "per-video"))
    assert (tmp_path / "default.csv").read_text() == (tmp_path / "--combined.csv").read_text()
    assert combined.n_tracks == apart.n_tracks == 96
    videos_of = [set(apart.video_ids[apart.cluster_ids == cluster]) for cluster in range(apart.n_clusters)]
    assert all(len(videos) == 1 for videos in videos_of)
    assert any(len(set(combined.video_ids[combined.cluster_ids == c])) > 1 for c in range(combined.n_clusters))


def test_labels_are_not_needed_to_cluster(folder, tmp_path):
    write_tracks(without_labels(films(seed=2, prefix="test")), tmp_path / "bare.npz")
    for path in (folder / "test.parquet", tmp_path / "bare.npz"):
        run(
            "cluster",
            path,
            "--constraints",
            "none",
            "--model",
            folder / "model.safetensors",
            "-o",
            tmp_path / f"{path.stem}.csv",
        )
    assert (tmp_path / "bare.csv").read_text() == (tmp_path / "test.csv").read_text()


def test_one_track_is_one_cluster(folder, tmp_path):
    write_tracks(films().select([0]), tmp_path / "one.parquet")
    for criterion in (("--model", folder / "model.safetensors"), ("--threshold", "0.5")):
        result = run("cluster", tmp_path / "one.parquet", *criterion, "-o", "-")
        assert result.exit_code == 0
        assert len(result.stdout.splitlines()) == 2
        assert ": 1 cluster -> -" in result.stderr


def test_one_identity_can_be_clustered_and_evaluated(folder, tmp_path):
    tracks = films()
    one = tracks.select(tracks.labels == tracks.labels[0])
    write_tracks(one, tmp_path / "one.parquet")
    result = run("evaluate", tmp_path / "one.parquet", "--model", folder / "model.safetensors", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)[0]["n_identities"] == 1


def test_track_ids_may_repeat_in_another_video(folder, tmp_path):
    tracks = films(2)
    first, second = (tracks.select(tracks.video_ids == video) for video in tracks.videos)
    assert set(first.track_ids) & set(second.track_ids)
    for part, name in ((first, "a"), (second, "b")):
        write_tracks(part, tmp_path / f"{name}.parquet")
    result = run("cluster", tmp_path / "a.parquet", tmp_path / "b.parquet", "--threshold", "1", "-o", "-")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1 + tracks.n_tracks


@pytest.mark.parametrize("criteria", [(), ("--model", "m.safetensors", "--threshold", "1")])
def test_either_a_model_or_a_threshold(folder, tmp_path, criteria):
    result = run("cluster", folder / "test.parquet", *criteria, "-o", tmp_path / "r.csv")
    assert result.exit_code == 2
    assert "give either --model or --threshold" in result.stderr
    assert listing(tmp_path) == {}


def test_a_warning_is_one_line(tmp_path):
    framed, unframed = films(1, prefix="framed"), replace(films(1, prefix="unframed"), frames=None)
    for tracks, name in ((framed, "framed.parquet"), (unframed, "unframed.parquet")):
        write_tracks(tracks, tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = run(
            "cluster", tmp_path / "framed.parquet", tmp_path / "unframed.parquet", "--threshold", "1", "-o", "-"
        )
    assert result.stderr.splitlines()[0] == "warning: frames are left out: 1 of 2 sets of tracks have none"
    assert "no frames in the tracks" in result.stderr.splitlines()[1]
    assert sum("warning" in line for line in result.stderr.splitlines()) == 1


def cluster_films(folder, *options) -> tuple[np.ndarray, str]:
    """Clusters of a film under a threshold that is much too large, and what is said of it."""
    result = run("cluster", folder / "test.parquet", "--threshold", 1.9, "-o", folder / "c.csv", "--force", *options)
    assert result.exit_code == 0, result.output
    return read_result(folder / "c.csv").cluster_ids, result.stderr


def test_tracks_on_screen_together_are_never_one_cluster(folder):
    pairs = automatic_pairs(read_tracks(folder / "test.parquet")).cannot_link
    plain, said = cluster_films(folder, "--constraints", "none")
    violated = count_violated(plain, pairs)
    assert violated > 0
    assert "two people" not in said
    for options in ((), ("--constraints", "auto")):
        constrained, said = cluster_films(folder, *options)
        assert count_violated(constrained, pairs) == 0
        share = f"{violated} ({violated / len(pairs):.1%}) would share a cluster without constraints, 0 do"
        assert said.splitlines()[1] == f"{len(pairs)} pairs of tracks known to be two people: {share}"
    fewer, said = cluster_films(folder, "--min-overlap", 3, "--per-video")
    assert count_violated(fewer, automatic_pairs(read_tracks(folder / "test.parquet"), min_overlap=3).cannot_link) == 0


def test_pairs_of_a_user_alone_or_beside_the_automatic_ones(folder):
    tracks = read_tracks(folder / "test.parquet")
    plain, _ = cluster_films(folder, "--constraints", "none")
    a, b = np.flatnonzero(plain == plain[0])[:2]
    names = f"{tracks.track_ids[a]},{tracks.track_ids[b]},cannot,{tracks.video_ids[a]},{tracks.video_ids[b]}"
    (folder / "pairs.csv").write_text(f"track_a,track_b,link,video_a,video_b\n{names}\n")
    alone, said = cluster_films(folder, "--constraints", folder / "pairs.csv")
    assert alone[a] != alone[b]
    assert "1 pair of tracks known to be two people: 1 (100.0%)" in said
    both, _ = cluster_films(folder, "--constraints", folder / "pairs.csv", "--constraints", "auto")
    assert both[a] != both[b]
    assert count_violated(both, automatic_pairs(tracks).cannot_link) == 0


def test_without_frames_a_sentence_says_that_nothing_is_known(tmp_path):
    write_tracks(without_labels(films()), tmp_path / "bare.npz")
    result = run("cluster", tmp_path / "bare.npz", "--threshold", 1, "-o", "-")
    said = "no frames in the tracks: it is not known which of them are on screen together (--constraints)"
    assert result.stderr.splitlines()[0] == said


def test_a_threshold_scale_splits_or_merges(folder, tmp_path):
    model = load_model(folder / "model.safetensors")
    tracks = read_tracks(folder / "test.parquet")
    for scale in (0.5, 1.5):
        options = ("--model", folder / "model.safetensors", "--constraints", "none", "--threshold-scale", scale)
        run("cluster", folder / "test.parquet", "-o", tmp_path / f"{scale}.csv", *options)
        expected = complete_linkage(model.embed_tracks(tracks), scale * 4 * model.squared_radius).labels
        np.testing.assert_array_equal(read_result(tmp_path / f"{scale}.csv").cluster_ids, expected)
    result = run("cluster", folder / "test.parquet", "--threshold", 1, "--threshold-scale", 2, "-o", "-")
    assert result.exit_code == 2
    assert "--threshold-scale scales the threshold of a --model" in result.stderr


def test_a_calibrated_model_cuts_for_precision(folder, tmp_path):
    model = tmp_path / "m.safetensors"
    result = run("calibrate", folder / "model.safetensors", "--val", folder / "val.parquet", "-o", model)
    assert result.exit_code == 0
    said = (
        r"threshold scale (\S+): pairwise precision (\S+), recall \S+, \d+ clusters?; clusters are cut at (\S+) -> .*"
    )
    found = re.fullmatch(said, result.stderr.strip())
    assert found
    assert float(found[2]) >= 0.99
    assert load_model(model).threshold_scale == pytest.approx(float(found[1]), abs=1e-4)
    assert load_model(model).distance_threshold == pytest.approx(float(found[3]), abs=1e-4)
    before = load_model(model).threshold_scale
    assert run("calibrate", model, "--val", folder / "val.parquet", "--precision", 0.6).exit_code == 0
    assert load_model(model).threshold_scale > before


def test_the_options_say_what_the_library_does():
    parameters = {p.name: p for p in typer.main.get_command(app).commands["cluster"].params}  # type: ignore[attr-defined]
    assert parameters["duplicate_iou"].default == DUPLICATE_IOU


def test_another_loss_stores_its_threshold(folder, tmp_path):
    files = [folder / "train.parquet", folder / "val.parquet", tmp_path / "triplet.safetensors"]
    result = run("train", files[0], "--val", files[1], "-o", files[2], *QUICK, "--loss", "triplet")
    assert result.exit_code == 0, result.output
    model = load_model(files[2])
    assert f"complete linkage are cut at {model.stored_threshold:.4f}, found on the validation tracks" in result.stderr
    assert run("evaluate", folder / "test.parquet", "--model", files[2]).exit_code == 0
    without = run("train", files[0], "-o", tmp_path / "no.safetensors", *QUICK, "--loss", "triplet")
    assert without.exit_code == 1
    assert "a threshold from the validation tracks wants some" in without.stderr
