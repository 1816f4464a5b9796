"""The command line: every command does its work, and says how to use it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import typer.main

from bcl_fast import __version__
from bcl_fast.cli import app
from bcl_fast.cli._demo import DEMO_FILES, run_demo
from bcl_fast.cli._options import RECIPE_HELP
from bcl_fast.cluster import complete_linkage
from bcl_fast.evaluation import evaluate
from bcl_fast.models import load_model
from bcl_fast.results import count_violated, read_result
from bcl_fast.results._result import COLUMNS
from bcl_fast.tracks import automatic_pairs, concatenate, read_tracks, write_tracks
from bcl_fast.tracks._pairs import DUPLICATE_IOU
from bcl_fast.training import Recipe
from tests.helpers.cli import QUICK, films, listing, run, without_labels
from tests.helpers.processes import killed_at_last

COMMANDS = ("train", "cluster", "calibrate", "finetune", "evaluate", "simulate", "demo", "reproduce", "info")
BCL_FAST = (sys.executable, "-m", "bcl_fast")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Films to train on, to validate with and to test on, and a model trained on them."""
    folder = tmp_path_factory.mktemp("films")
    for seed, name in enumerate(("train", "val", "test")):
        write_tracks(films(seed=seed, prefix=name), folder / f"{name}.parquet")
    files = [folder / name for name in ("train.parquet", "val.parquet", "model.safetensors")]
    result = run("train", files[0], "--val", files[1], "-o", files[2], *QUICK)
    assert result.exit_code == 0, result.output
    return folder


# --- help


def test_every_command_is_known():
    group = typer.main.get_command(app)
    assert tuple(group.commands) == COMMANDS  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_every_help_has_an_example_that_parses(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    examples = [
        line.split() for line in result.stdout.splitlines() if line.startswith(f"    bcl-fast {''.join(command)}")
    ]
    assert examples
    group = typer.main.get_command(app)
    for program, name, *arguments in examples:
        assert program == "bcl-fast"
        if "--help" not in arguments:
            pipe = arguments.index("|") if "|" in arguments else None
            group.commands[name].make_context(name, arguments[:pipe])  # type: ignore[attr-defined]


def test_every_number_of_the_recipe_is_an_option():
    parameters = {p.name: p for p in typer.main.get_command(app).commands["train"].params}  # type: ignore[attr-defined]
    assert set(RECIPE_HELP) == {field.name for field in fields(Recipe)}
    for name, value in Recipe().as_dict().items():
        assert parameters[name].opts == [f"--{name.replace('_', '-')}"]
        assert parameters[name].default == value


def test_version():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"bcl-fast {__version__}\n")


def test_info():
    result = run("info")
    assert result.exit_code == 0
    names = [line.split()[0] for line in result.stdout.splitlines()]
    assert names == ["bcl_fast", "python", "libraries", "SIMD", "threads", "CUDA", "GPU"]


# --- train


def test_training_writes_a_model_and_says_what_it_does(folder, tmp_path):
    result = run(
        *("train", folder / "train.parquet", "--val", folder / "val.parquet", "-o", tmp_path / "m.safetensors", *QUICK),
        *("--history", tmp_path / "h.jsonl", "--margin", "0.1", "--dimensions", "16-8-16", "--seed", "3"),
    )
    assert (result.exit_code, result.stdout) == (0, "")
    lines = result.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    scores = r"loss \S+  b \S+  violated \S+% own, \S+% other  val NMI \S+  WCP \S+  \d+ clusters? of \d+ people  best"
    assert re.fullmatch(rf"epoch 1/2  {scores}", lines[0])
    model = load_model(tmp_path / "m.safetensors")
    assert f"b = {model.squared_radius:.4f}" in lines[-1]
    expected = {"margin": 0.1, "dimensions": [16, 8, 16], "seed": 3, "epochs": 2, "head": "residual", "alpha": 4.0}
    assert expected.items() <= model.recipe.items()
    assert [json.loads(line)["epoch"] for line in (tmp_path / "h.jsonl").read_text().splitlines()] == [1, 2]


def test_long_trainings_are_told_in_about_twenty_lines(folder, tmp_path):
    result = run("train", folder / "train.parquet", "-o", tmp_path / "m.safetensors", *QUICK, "--epochs", 45)
    epochs = [line for line in result.stderr.splitlines() if line.startswith("epoch ") and "/45" in line]
    assert 15 <= len(epochs) <= 22
    assert (epochs[0][:11], epochs[-1][:11]) == ("epoch  1/45", "epoch 45/45")


def test_a_resumed_training_ends_like_an_uninterrupted_one(folder, tmp_path):
    def fit(name, *options):
        paths = ("train", folder / "train.parquet", "--val", folder / "val.parquet", "-o", tmp_path / name)
        result = run(*paths, *QUICK, *options)
        assert result.exit_code == 0, result.output
        return load_model(tmp_path / name)

    state = ("--checkpoint", tmp_path / "state.pt")
    whole = fit("whole.safetensors", "--epochs", 4)
    fit("half.safetensors", "--epochs", 2, *state)
    resumed = fit("resumed.safetensors", "--epochs", 4, *state, "--resume")
    assert resumed.squared_radius == whole.squared_radius
    rows = films(1, seed=9).features
    np.testing.assert_array_equal(resumed.embed(rows), whole.embed(rows))


def test_resume_wants_a_checkpoint(folder, tmp_path):
    result = run("train", folder / "train.parquet", "-o", tmp_path / "m.safetensors", "--resume")
    assert result.exit_code == 2
    assert "--resume wants --checkpoint FILE" in result.stderr


# --- cluster


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
    assert len(result.stderr.splitlines()) == 3


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
        assert said.splitlines()[-1] == f"{len(pairs)} pairs of tracks known to be two people: {share}"
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
    assert f"clusters are cut at {model.stored_threshold:.4f}, found on the validation tracks" in result.stderr
    assert run("evaluate", folder / "test.parquet", "--model", files[2]).exit_code == 0
    without = run("train", files[0], "-o", tmp_path / "no.safetensors", *QUICK, "--loss", "triplet")
    assert without.exit_code == 1
    assert "a threshold from the validation tracks wants some" in without.stderr


# --- evaluate


def test_evaluation_for_machines_equals_the_library(folder):
    paths = (folder / "test.parquet", "--model", folder / "model.safetensors", "--raw")
    tracks, model = read_tracks(folder / "test.parquet"), load_model(folder / "model.safetensors")
    expected = evaluate(
        tracks, model.embed_tracks(tracks), distance_threshold=model.distance_threshold, pairs=automatic_pairs(tracks)
    )
    found = json.loads(run("evaluate", *paths, "--json").stdout)
    assert [row.pop("method") for row in found] == ["bcl"] * 3 + ["raw"] * 3
    assert found[:3] == [row._asdict() for row in expected]
    assert [row["n_clusters"] for row in found[3:]] == [row.n_identities for row in expected]
    rows = list(csv.DictReader(io.StringIO(run("evaluate", *paths, "--csv").stdout)))
    assert [row["video"] for row in rows] == ["test01", "test02", "all"] * 2
    assert float(rows[0]["nmi"]) == found[0]["nmi"]


def test_evaluation_table(folder):
    paths = (folder / "test.parquet", "--model", folder / "model.safetensors")
    plain, beside = (run("evaluate", *paths, *options).stdout for options in ((), ("--raw",)))
    assert plain.split()[:6] == ["video", "#tracks", "#people", "#clusters", "NMI", "WCP"]
    assert [line.split()[0] for line in plain.splitlines() if line[:2] == "  " and line[2:3].isalpha()] == [
        "video",
        "test01",
        "test02",
        "all",
    ]
    assert "raw NMI" in beside
    assert "true number of people" in beside
    assert "raw" not in plain
    assert "violated" in plain
    assert "violated" not in run("evaluate", *paths, "--constraints", "none").stdout


def test_json_or_csv(folder):
    result = run("evaluate", folder / "test.parquet", "--model", folder / "model.safetensors", "--json", "--csv")
    assert result.exit_code == 2


# --- simulate and demo


def test_simulated_splits(tmp_path):
    result = run("simulate", "-o", tmp_path / "films", "--scale", "0.002", "--seed", "4")
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "films").iterdir()) == [
        "test.parquet",
        "train.parquet",
        "val.parquet",
    ]
    everyone = concatenate([read_tracks(path) for path in sorted((tmp_path / "films").iterdir())])
    assert everyone.labels is not None
    one = run("simulate", "-o", tmp_path / "test.npz", "--scale", "0.002", "--seed", "4")
    assert one.exit_code == 0
    np.testing.assert_array_equal(
        read_tracks(tmp_path / "test.npz").features, read_tracks(tmp_path / "films" / "test.parquet").features
    )
    run("simulate", "-o", tmp_path / "val.npz", "--scale", "0.002", "--seed", "4", "--split", "val")
    assert read_tracks(tmp_path / "val.npz").videos == read_tracks(tmp_path / "films" / "val.parquet").videos


def test_the_demonstration(tmp_path, capsys):
    (tmp_path / "demo").mkdir()
    for name in DEMO_FILES:  # those of an earlier demonstration are replaced
        (tmp_path / "demo" / name).write_text("old")
    rows = run_demo(tmp_path / "demo", scale=0.005, recipe=Recipe(epochs=2, batch_size=64, head="residual"))
    assert rows[-1].n_tracks == read_tracks(tmp_path / "demo" / "test.parquet").n_tracks
    assert read_result(tmp_path / "demo" / "clusters.csv").n_clusters == rows[-1].n_clusters
    assert (tmp_path / "demo" / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "demo").iterdir())) == 4
    output = capsys.readouterr().out
    assert "raw NMI" in output
    assert "true number of people" in output


# --- processes: pipes, exit codes, what is imported


def start(*arguments: object, **options: object) -> subprocess.Popen:
    return subprocess.Popen([*BCL_FAST, *map(str, arguments)], **options)  # type: ignore[call-overload]


def test_a_pipe_from_simulation_to_clusters():
    with start("simulate", "-o", "-", "--scale", "0.002", stdout=subprocess.PIPE) as simulation:
        command = [*BCL_FAST, "cluster", "-", "--threshold", "0.8", "-o", "-"]
        clusters = subprocess.run(command, stdin=simulation.stdout, capture_output=True, text=True)
    assert (simulation.returncode, clusters.returncode) == (0, 0)
    rows = list(csv.DictReader(io.StringIO(clusters.stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert clusters.stderr.startswith(f"{len(rows)} tracks, ")


def test_exit_codes_of_the_process(tmp_path):
    bad = subprocess.run([*BCL_FAST, "cluster", "no.parquet", "--threshold", "1", "-o", "-"], capture_output=True)
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.startswith(b"error: no.parquet: ")
    assert bad.stderr.count(b"\n") == 1
    assert subprocess.run([*BCL_FAST, "cluster"], capture_output=True).returncode == 2


def test_a_reader_that_stops_reading_is_no_traceback(tmp_path):
    np.save(tmp_path / "many.npy", np.random.default_rng(0).standard_normal((8000, 8)))
    arguments = ("cluster", tmp_path / "many.npy", "--threshold", "0", "-o", "-")
    with start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_exits_with_130_and_leaves_nothing_half_written(folder, tmp_path):
    arguments = ("train", folder / "train.parquet", "-o", tmp_path / "m.safetensors", *QUICK, "--epochs", 10**9)
    with killed_at_last(start(*arguments, stderr=subprocess.PIPE, text=True)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch ")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest
    assert listing(tmp_path) == {}
