"""The command line: every command does its work, and says how to use it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import fields

import numpy as np
import pytest
import typer.main
from typer.testing import CliRunner

from bcl_fast import __version__
from bcl_fast.cli import app
from bcl_fast.cli._demo import DEMO_FILES, run_demo
from bcl_fast.cli._recipe_options import attribute_texts, recipe_options
from bcl_fast.evaluation import evaluate
from bcl_fast.models import load_model
from bcl_fast.results import cluster_tracks, read_result
from bcl_fast.tracks import automatic_pairs, concatenate, read_tracks
from bcl_fast.training import Recipe
from tests.helpers.cli import QUICK, films, run

COMMANDS = (
    "people",
    "extract",
    "train",
    "cluster",
    "suggest",
    "merge",
    "report",
    "review",
    "apply",
    "export",
    "import",
    "calibrate",
    "finetune",
    "evaluate",
    "simulate",
    "demo",
    "reproduce",
    "info",
    "doctor",
)


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
    texts = attribute_texts(Recipe)
    assert list(texts) == [field.name for field in fields(Recipe)]
    assert all(texts.values())
    for name in texts:
        assert parameters[name].opts == [f"--{name.replace('_', '-')}"]
        assert parameters[name].default is None  # of the one recipe or the other
        assert parameters[name].help == texts[name]
    assert parameters["learning_rate"].show_default == "0.001; paper: 0.003"
    assert parameters["momentum"].show_default == "0.9"


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        ((), Recipe()),
        (("--recipe", "paper"), Recipe.paper()),
        (("--recipe", "paper", "--epochs", "3", "--dimensions", "16-8"), Recipe.paper(epochs=3, dimensions=(16, 8))),
        (("--loss", "triplet", "--no-normalize"), Recipe(loss="triplet", normalize=False)),
    ],
)
def test_options_change_the_recipe_that_is_named(options, recipe):
    seen, app = [], typer.Typer()

    @app.command()
    @recipe_options
    def command(recipe: Recipe) -> None:
        seen.append(recipe)

    result = CliRunner().invoke(app, [*options])
    assert result.exit_code == 0, result.output
    assert seen == [recipe]


def test_training_by_default_says_what_it_compared_and_the_other_commands_keep_to_it(folder, tmp_path):
    model, files = tmp_path / "m.safetensors", [folder / f"{name}.parquet" for name in ("train", "val", "test")]
    history = tmp_path / "h.jsonl"
    trained = run("train", files[0], "--val", files[1], "-o", model, "--steps", 20, "--history", history)
    assert trained.exit_code == 0, trained.output
    loaded = load_model(model)
    assert "none seen by the head that embeds them: features " in trained.stderr
    assert f"are cut at {loaded.distance_threshold:.4f}, found by people in folds" in trained.stderr
    assert json.loads(history.read_text().splitlines()[0])["compared"] == loaded.compared
    how = loaded.clustering_options
    test, embeddings = read_tracks(files[2]), loaded.embed_tracks(read_tracks(files[2]))
    clustered = run("cluster", files[2], "--model", model, "-o", tmp_path / "c.csv", "--constraints", "none")
    assert clustered.exit_code == 0, clustered.output
    expected = cluster_tracks(test, embeddings, loaded.distance_threshold, **how)
    assert read_result(tmp_path / "c.csv").cluster_ids.tolist() == expected.cluster_ids.tolist()
    scored = run("evaluate", files[2], "--model", model, "--json", "--constraints", "none")
    rows = evaluate(test, embeddings, distance_threshold=loaded.distance_threshold, **how)
    assert json.loads(scored.stdout)[-1]["nmi"] == pytest.approx(rows[-1].nmi)
    other = "complete" if loaded.linkage == "average" else "average"
    refused = run("cluster", files[2], "--model", model, "--linkage", other, "-o", tmp_path / "no.csv")
    assert refused.exit_code == 1
    assert f"the model's threshold is for {loaded.linkage} linkage, got --linkage {other}" in refused.stderr


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
    rows = run_demo(tmp_path / "demo", scale=0.005, recipe=Recipe.paper(epochs=2, batch_size=64, head="residual"))
    assert rows[-1].n_tracks == read_tracks(tmp_path / "demo" / "test.parquet").n_tracks
    assert read_result(tmp_path / "demo" / "clusters.csv").n_clusters == rows[-1].n_clusters
    assert (tmp_path / "demo" / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "demo").iterdir())) == 4
    output = capsys.readouterr().out
    assert "raw NMI" in output
    assert "true number of people" in output
