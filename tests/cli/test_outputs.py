"""What commands write: never over an input or another output, checked before the work, by one run at a time."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from bcl_fast._utils.locks import only_writer
from bcl_fast.training import train as fit
from tests.helpers.cli import QUICK, refused, run
from tests.helpers.training import SMALL, blobs


@pytest.fixture
def here(folder, tmp_path, monkeypatch) -> Path:
    """A working folder with tracks, a model, a result, pairs and names."""
    for name in ("train.parquet", "val.parquet", "test.parquet", "model.safetensors"):
        shutil.copy(folder / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run("cluster", "test.parquet", "--model", "model.safetensors", "-o", "result.parquet").exit_code == 0
    Path("pairs.csv").write_text("video_a,track_a,video_b,track_b,must or cannot\n")
    Path("names.csv").write_text("cluster_id,name\n0,Ada\n")
    for name in ("tracks.csv", "tracks.safetensors", "names.parquet", "hard.parquet"):
        os.link("train.parquet", name)  # so that the suffix is one that the output may have
    os.symlink("train.parquet", "link.csv")
    return tmp_path


@pytest.mark.parametrize("option", ["--checkpoint", "--history"])
@pytest.mark.parametrize("name", ["train.parquet", "./val.parquet", "hard.parquet", "link.csv"])
@pytest.mark.parametrize("extra", [("--force",), ("--resume", "--checkpoint", "state.pt"), ()])
def test_a_training_does_not_write_over_its_tracks(here, option, name, extra):
    command = ("train", "train.parquet", "--val", "val.parquet", "-o", "new.safetensors", *QUICK, *extra)
    assert "would overwrite the input" in refused(here, *command, option, name)


UPDATE = ("cluster", "train.parquet", "--threshold", "1", "--update", "result.parquet")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "train.parquet", "-o", "tracks.safetensors", *QUICK),
        ("cluster", "train.parquet", "--threshold", "1", "-o", "train.parquet"),
        ("cluster", "train.parquet", "--threshold", "1", "-o", "link.csv"),
        ("cluster", "train.parquet", "--threshold", "1", "-o", "n.csv", "--representatives", "link.csv"),
        ("cluster", "train.parquet", "--threshold", "1", "--constraints", "pairs.csv", "-o", "pairs.csv"),
        (*UPDATE, "-o", "result.parquet"),
        (*UPDATE, "--names", "names.csv", "-o", "names.csv"),
        ("finetune", "model.safetensors", "train.parquet", "-o", "model.safetensors"),
        ("finetune", "model.safetensors", "train.parquet", "-o", "tracks.safetensors"),
        ("calibrate", "model.safetensors", "--val", "val.parquet", "-o", "./model.safetensors"),
        ("calibrate", "tracks.safetensors", "--val", "train.parquet"),
        ("merge", "result.parquet", "-o", "./result.parquet"),
        ("merge", "result.parquet", "--names", "names.csv", "-o", "names.csv"),
    ],
)
def test_an_output_that_is_an_input_is_refused_with_force_too(here, arguments):
    assert "would overwrite the input" in refused(here, *arguments, "--force")


@pytest.mark.parametrize("output", ["test.parquet", "new.csv", "films/new.parquet"])
def test_a_result_does_not_lie_among_its_tracks(here, output):
    os.mkdir("films")
    message = refused(here, "cluster", ".", "--threshold", "1", "-o", output, "--force")
    assert "would lie among the tracks of the input ." in message


def test_a_model_of_a_video_does_not_replace_the_model_it_comes_from(here):
    os.rename("model.safetensors", "test01.safetensors")
    videos = ("finetune", "test01.safetensors", "test.parquet", "--per-video", "-o", ".", "--force", "--rounds", "1")
    assert "output test01.safetensors would overwrite the input test01.safetensors" in refused(here, *videos)


def test_a_reproduction_does_not_write_into_a_folder_of_its_tracks(here):
    os.mkdir("films")
    shutil.copy("train.parquet", "films")
    tracks = ("--train", "films/train.parquet", "--val", "val.parquet", "--test", "test.parquet")
    assert "folder films must be empty or of an earlier" in refused(here, "reproduce", "table1", *tracks, "-o", "films")
    folder = ("--train", "films", *tracks[2:])
    assert "would overwrite the input films" in refused(here, "reproduce", "table1", *folder, "-o", "films")
    assert "among the tracks of the input films" in refused(here, "reproduce", "table1", *folder, "-o", "films/paper")


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(("-o", "--checkpoint", "--history"), 2)])
@pytest.mark.parametrize("extra", [(), ("--force",)])
def test_two_outputs_of_a_training_are_two_files(here, one, other, extra):
    command = ["train", "train.parquet", "-o", "a.safetensors", *QUICK, *extra, one, "new.safetensors"]
    assert "two outputs are one file" in refused(here, *command, other, "./new.safetensors")
    with pytest.raises(ValueError, match="two outputs are one file"):
        fit(blobs(), recipe=SMALL, checkpoint="new", history=here / "new", force=True)


def test_a_result_and_its_representatives_are_two_files(here):
    command = ("cluster", "train.parquet", "--threshold", "1", "-o", "new.csv", "--representatives", "./new.csv")
    assert "two outputs are one file" in refused(here, *command, "--force")


def test_a_demonstration_replaces_no_other_model(here):
    os.remove("test.parquet")
    assert "output model.safetensors exists already" in refused(here, "demo", "-o", ".")


# --- the history of a resumed training


def history_of(name: str, *options: str, epochs: int = 3):
    paper = ("train", "train.parquet", "-o", "m.safetensors", "--recipe", "paper", *QUICK)
    command = (*paper, "--epochs", epochs, "--checkpoint", "state.pt")
    return run(*command, "--history", name, *options)


@pytest.mark.parametrize("content", ["precious\n", "", '{"epoch": 1}\n{"epoch": 2}\n', '{"epoch": 1, "los'])
def test_a_resumed_training_replaces_no_other_history(here, content):
    assert history_of("history.jsonl").exit_code == 0
    Path("other.jsonl").write_text(content)
    os.remove("m.safetensors")
    result = history_of("other.jsonl", "--resume", epochs=5)
    assert result.exit_code == 1
    assert "other.jsonl is not that of the run that is resumed" in result.stderr
    assert Path("other.jsonl").read_text() == content
    assert history_of("other.jsonl", "--resume", "--force", epochs=5).exit_code == 0
    assert len(Path("other.jsonl").read_text().splitlines()) == 5


@pytest.mark.parametrize("kept", ["all", "one more", "cut short", "less"])
def test_a_resumed_training_goes_on_with_its_own_history(here, kept):
    assert history_of("history.jsonl").exit_code == 0
    written = Path("history.jsonl").read_text()
    last = written.splitlines(keepends=True)[-1].replace('"epoch": 3', '"epoch": 4')
    more = {"all": "", "one more": last, "cut short": last[:30], "less": ""}[kept]
    Path("history.jsonl").write_text((written[:-50] if kept == "less" else written) + more)
    os.remove("m.safetensors")
    assert history_of("history.jsonl", "--resume", epochs=5).exit_code == 0
    lines = Path("history.jsonl").read_text()
    assert lines.startswith(written)
    assert [json.loads(line)["epoch"] for line in lines.splitlines()] == [1, 2, 3, 4, 5]


def test_a_history_goes_to_a_device_or_a_pipe(here):
    assert history_of("/dev/null", "--force").exit_code == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        command = ("train", "train.parquet", "-o", "n.safetensors", "--recipe", "paper", *QUICK, "--history", "pipe")
        assert run(*command).exit_code == 0
        assert reader.stdout is not None
        assert len(reader.stdout.read().splitlines()) == 2


def test_a_history_that_does_not_fit_is_named(here):
    command = ("train", "train.parquet", "-o", "n.safetensors", "--recipe", "paper", *QUICK)
    said = refused(here, *command, "--history", "/dev/full")
    assert said == "/dev/full: No space left on device"


# --- calibrate in place


CALIBRATE = ("calibrate", "model.safetensors", "--val", "val.parquet", "--precision", "0.5")


def test_calibrate_in_place_keeps_the_mode_and_follows_a_link(here):
    os.mkdir("models")
    os.rename("model.safetensors", "models/people.safetensors")
    os.symlink("models/people.safetensors", "model.safetensors")
    os.chmod("models/people.safetensors", 0o600)
    before = Path("models/people.safetensors").read_bytes()
    assert run(*CALIBRATE).exit_code == 0
    assert Path("model.safetensors").is_symlink()
    assert Path("models/people.safetensors").read_bytes() != before
    assert stat.S_IMODE(os.stat("models/people.safetensors").st_mode) == 0o600
    assert os.listdir("models") == ["people.safetensors"]


def test_calibrate_in_place_leaves_a_read_only_model(here):
    os.chmod("model.safetensors", 0o444)
    assert "model.safetensors is read-only" in refused(here, *CALIBRATE)


# --- two runs at once


@pytest.mark.parametrize(("name", "file"), [("checkpoint", "state.pt"), ("history", "history.jsonl")])
def test_two_trainings_do_not_share_a_checkpoint_or_a_history(here, name, file):
    def meanwhile(record):
        with pytest.raises(ValueError, match=rf"{file} is being written by another run \(process {os.getpid()}\)"):
            fit(blobs(), recipe=SMALL, force=True, **{name: file})

    fit(blobs(), recipe=SMALL, checkpoint="state.pt", history="history.jsonl", on_epoch=meanwhile)
    epochs = [json.loads(line)["epoch"] for line in Path("history.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, SMALL.epochs + 1))
    assert not [name for name in os.listdir() if name.startswith(".bcl_fast")]


def test_two_commands_do_not_train_one_model(here):
    command = ("train", "train.parquet", "-o", "new.safetensors", *QUICK)
    with only_writer("new.safetensors"):
        assert "new.safetensors is being written by another run" in refused(here, *command)
    assert run(*command).exit_code == 0


# --- outputs are checked before the work


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "train.parquet", "-o", "no/m.safetensors"),
        ("train", "train.parquet", "-o", "{}.safetensors"),
        ("train", "train.parquet", "-o", "m.safetensors", "--checkpoint", "no/state.pt"),
        ("train", "train.parquet", "-o", "m.safetensors", "--history", "{}"),
        ("train", "train.parquet", "-o", "m.safetensors", "--tensorboard", "train.parquet/board"),
        ("train", "train.parquet", "-o", "m.safetensors", "--tensorboard", "train.parquet"),
        ("finetune", "model.safetensors", "test.parquet", "-o", "no/m.safetensors"),
        ("finetune", "model.safetensors", "test.parquet", "-o", "no/models", "--per-video"),
        ("finetune", "model.safetensors", "test.parquet", "-o", "{}", "--per-video"),
        ("cluster", "test.parquet", "--threshold", "1", "-o", "no/new.csv"),
        ("cluster", "test.parquet", "--threshold", "1", "-o", "{}.csv"),
        ("calibrate", "model.safetensors", "--val", "val.parquet", "-o", "no/m.safetensors"),
        ("simulate", "-o", "no/films"),
        ("simulate", "-o", "{}.parquet"),
        ("demo", "-o", "no/demo"),
        ("demo", "-o", "{}"),
        ("reproduce", "table1", "-o", "no/paper"),
        ("reproduce", "table1", "-o", "{}"),
        ("reproduce", "table1", "-o", "train.parquet"),
    ],
)
def test_outputs_are_checked_before_anything_is_read_or_made(here, monkeypatch, arguments):
    import bcl_fast.paper.run  # whose modules keep what they import: not what stands in for it here
    import bcl_fast.simulate
    import bcl_fast.tracks

    for module, name in ((bcl_fast.tracks, "read_tracks"), (bcl_fast.simulate, "simulate_splits")):
        monkeypatch.setattr(module, name, lambda *_, **__: pytest.fail("the work began before the check"))
    refused(here, *(part.format("n" * 300) for part in arguments))


def test_models_of_videos_are_checked_before_the_work(here, monkeypatch):
    import bcl_fast.finetuning

    monkeypatch.setattr(
        bcl_fast.finetuning, "finetune", lambda *_, **__: pytest.fail("the work began before the check")
    )
    os.mkdir("models")
    Path("models/test01.safetensors").touch()
    command = ("finetune", "model.safetensors", "test.parquet", "--per-video", "-o", "models")
    assert "test01.safetensors exists already" in refused(here, *command)
    os.chmod("models/test01.safetensors", 0o444)
    assert "test01.safetensors is read-only" in refused(here, *command, "--force")
