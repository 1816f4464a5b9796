"""Bad input gets one sentence and exit code 1: no traceback, no half-written file, nothing overwritten."""

from __future__ import annotations

import math
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bcl_fast.tracks import TrackSet, write_tracks
from tests.helpers.cli import QUICK, films, listing, refused, run, without_labels, write_good_files


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_good_files(tmp_path)


def cluster(folder: Path, tracks: object = "good.parquet", *, model: object = "good.safetensors", to="new.csv") -> str:
    return refused(folder, "cluster", folder / str(tracks), "--model", folder / str(model), "-o", folder / to)


def train(folder: Path, tracks: object = "good.parquet", *options: object, to: str = "new.safetensors") -> str:
    return refused(folder, "train", folder / str(tracks), "-o", folder / to, *QUICK, *options)


def evaluate(folder: Path, tracks: object = "good.parquet", model: object = "good.safetensors") -> str:
    return refused(folder, "evaluate", folder / str(tracks), "--model", folder / str(model))


def test_the_good_files_are_good(folder):
    for tracks in ("good.parquet", "good.npz"):
        result = run("cluster", folder / tracks, "--model", folder / "good.safetensors", "-o", folder / f"{tracks}.csv")
        assert result.exit_code == 0


# --- tracks that cannot be read


@pytest.mark.parametrize("name", ["empty.parquet", "empty.npz", "empty.npy"])
def test_empty_files(folder, name):
    (folder / name).touch()
    assert cluster(folder, name).endswith(f"{name}: the file is empty (0 bytes)")


def test_empty_standard_input(folder):
    message = refused(folder, "cluster", "-", "--threshold", "1", "-o", folder / "new.csv", stdin=b"")
    assert message == "standard input: it is empty (0 bytes)"


def test_a_parquet_file_without_rows(folder):
    schema = pa.schema([("track_id", pa.string()), ("embedding", pa.list_(pa.float32(), 4))])
    pq.write_table(schema.empty_table(), folder / "none.parquet")
    assert "at least one face is wanted, got a Parquet file with 0 rows" in cluster(folder, "none.parquet")


def test_an_array_without_rows(folder):
    np.save(folder / "none.npy", np.empty((0, 16), np.float32))
    assert "at least one face" in cluster(folder, "none.npy")


def test_an_empty_folder(folder):
    (folder / "videos").mkdir()
    assert "features/<video>/<track>.npy" in cluster(folder, "videos")


def test_missing_files(folder):
    assert "missing.parquet: " in cluster(folder, "missing.parquet")
    assert "missing.safetensors does not exist" in cluster(folder, model="missing.safetensors")


@pytest.mark.parametrize("name", ["tracks.doc", "tracks", "tracks.xlsx"])
def test_unknown_suffixes_of_tracks(folder, name):
    (folder / name).write_text("1 2 3")
    assert "must be a path that ends in .parquet, .feather," in cluster(folder, name)


@pytest.mark.parametrize("name", ["good.parquet", "good.npz"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_truncated_tracks(folder, name, share):
    content = (folder / name).read_bytes()
    cut = f"cut{Path(name).suffix}"
    (folder / cut).write_bytes(content[: int(len(content) * share)])
    assert f"{cut}: " in cluster(folder, cut)
    assert f"{cut}: " in train(folder, cut)


def test_something_else_under_the_name_of_parquet(folder):
    (folder / "fake.parquet").write_bytes(os.urandom(4096))
    assert "a Parquet file is wanted" in cluster(folder, "fake.parquet")


# --- tracks that cannot be used


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("command", [cluster, train, evaluate])
def test_values_that_are_not_finite_name_the_track_and_the_row(folder, value, command):
    tracks = films()
    broken = tracks.features.copy()
    track = int(np.argmax(np.diff(tracks.offsets) > 1))
    broken[tracks.offsets[track] + 1, 3] = value
    write_tracks(replace(tracks, features=broken), folder / "bad.parquet")
    where = f"track '{tracks.track_ids[track]}' of video '{tracks.video_ids[track]}'"
    message = command(folder, "bad.parquet")
    assert f"got {value} in face row 1 " in message
    assert where in message


def zeros_in(track: int) -> TrackSet:
    tracks = films()
    features = tracks.features.copy()
    features[tracks.offsets[track] : tracks.offsets[track + 1]] = 0
    return replace(tracks, features=features)


def test_zero_vectors_have_no_direction(folder):
    write_tracks(zeros_in(5), folder / "zero.parquet")
    name = films().track_ids[5]
    messages = [
        refused(folder, "cluster", folder / "zero.parquet", "--threshold", "1", "-o", folder / "new.csv"),
        cluster(folder, "zero.parquet"),
        train(folder, "zero.parquet"),
        evaluate(folder, "zero.parquet"),
    ]
    for message in messages:
        assert "zero" in message
        assert name in message


def test_wrong_dimension_for_the_model(folder):
    np.save(folder / "wide.npy", np.ones((3, 20), np.float32))
    message = cluster(folder, "wide.npy")
    assert "16" in message
    assert "20" in message


def test_wrong_dimension_of_the_validation_tracks(folder):
    wide = TrackSet.from_arrays(np.random.default_rng(0).standard_normal((4, 20)), labels=list("aabb"))
    write_tracks(wide, folder / "wide.parquet")
    message = train(folder, "good.parquet", "--val", folder / "wide.parquet")
    assert "16" in message
    assert "20" in message


def test_labels_missing(folder):
    write_tracks(without_labels(films()), folder / "bare.parquet")
    assert "labels" in train(folder, "bare.parquet")
    assert "labels" in train(folder, "good.parquet", "--val", folder / "bare.parquet")
    assert "labels" in evaluate(folder, "bare.parquet")


def test_one_track_cannot_be_trained_on(folder):
    write_tracks(films().select([0]), folder / "one.parquet")
    assert "two" in train(folder, "one.parquet")


def test_one_identity_cannot_be_trained_on(folder):
    tracks = films()
    write_tracks(tracks.select(tracks.labels == tracks.labels[0]), folder / "one.parquet")
    assert "two identities" in train(folder, "one.parquet")


def test_the_same_track_of_the_same_video_in_two_files(folder):
    files = (folder / "good.parquet", folder / "good.npz")
    message = refused(folder, "cluster", *files, "--threshold", "1", "-o", folder / "new.csv")
    assert "(video, track) must be unique, got track '" in message
    assert "good.parquet" in message
    assert "good.npz" in message


# --- models that cannot be used


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_models(folder, share):
    content = (folder / "good.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(content[: int(len(content) * share)])
    assert "cut.safetensors is not a whole .safetensors file" in cluster(folder, model="cut.safetensors")
    assert "cut.safetensors" in evaluate(folder, model="cut.safetensors")


def test_truncated_checkpoints(folder):
    torch.save({"model_state": {}}, folder / "whole.pth.tar")
    (folder / "cut.pth.tar").write_bytes((folder / "whole.pth.tar").read_bytes()[:300])
    assert "cut.pth.tar" in cluster(folder, model="cut.pth.tar")
    assert "is not laid out like the authors'" in cluster(folder, model="whole.pth.tar")


def test_unknown_suffixes_of_models(folder):
    (folder / "model.bin").write_bytes(b"123")
    assert "a model is a .safetensors or .pth.tar file" in cluster(folder, model="model.bin")
    assert "a model is written as .safetensors" in train(folder, to="new.pt")


# --- code in data, which must not run


class Payload:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.fixture
def payload(tmp_path_factory) -> Payload:
    return Payload(tmp_path_factory.mktemp("traps") / "executed")


def test_the_payload_works(payload):
    pickle.loads(pickle.dumps(payload))
    assert payload.path.exists()


def test_code_in_tracks_does_not_run(folder, payload):
    objects = np.empty(1, object)
    objects[0] = payload
    np.savez(folder / "code.npz", features=objects)
    np.save(folder / "code.npy", objects, allow_pickle=True)
    (folder / "pickle.npy").write_bytes(pickle.dumps(payload))
    (folder / "videos" / "features" / "film").mkdir(parents=True)
    np.save(folder / "videos" / "features" / "film" / "1.npy", objects, allow_pickle=True)
    for name in ("code.npz", "code.npy", "pickle.npy", "videos"):
        assert name in cluster(folder, name)
    assert not payload.path.exists()


def test_code_in_models_does_not_run(folder, payload):
    torch.save({"model_state": payload, "criterion_state": payload}, folder / "code.pth.tar")
    (folder / "pickle.pth.tar").write_bytes(pickle.dumps(payload))
    for name in ("code.pth.tar", "pickle.pth.tar"):
        assert name in cluster(folder, model=name)
    assert not payload.path.exists()


def test_code_in_training_checkpoints_does_not_run(folder, payload):
    torch.save({"format": payload}, folder / "code.pt")
    message = train(folder, "good.parquet", "--checkpoint", folder / "code.pt", "--resume")
    assert "code.pt is damaged or was not written by bcl_fast" in message
    assert not payload.path.exists()


# --- outputs that cannot be written


WRITERS = {
    "train": ("good.parquet", "-o", "{}.safetensors", *QUICK),
    "cluster": ("good.parquet", "--threshold", "1", "-o", "{}.csv"),
    "simulate": ("--scale", "0.002", "-o", "{}.parquet"),
}


def write(folder: Path, command: str, name: str) -> list[object]:
    """Arguments of a command that writes to ``name``, its suffix added."""
    made = [folder / part if part.startswith("good") else part for part in WRITERS[command]]
    return [command, *(str(folder / str(part).format(name)) if "{}" in str(part) else part for part in made)]


@pytest.mark.parametrize("command", WRITERS)
def test_outputs_in_a_folder_that_is_not_there(folder, command):
    assert "does not exist" in refused(folder, *write(folder, command, "nowhere/new"))


@pytest.mark.parametrize("command", WRITERS)
def test_outputs_below_a_file(folder, command):
    assert "good.npz" in refused(folder, *write(folder, command, "good.npz/new"))


@pytest.mark.parametrize("command", WRITERS)
def test_outputs_that_exist_are_kept_without_force(folder, command):
    arguments = write(folder, command, "mine")
    target = Path(next(part for part in map(str, arguments) if "mine" in part))
    target.write_text("mine")
    message = refused(folder, *arguments)
    assert f"the output {target} exists already" in message
    assert "--force" in message
    assert run(*arguments, "--force").exit_code == 0
    assert target.read_bytes() != b"mine"
    assert set(listing(folder)) == {str(folder / name) for name in ("good.npz", "good.parquet", "good.safetensors")} | {
        str(target)
    }


def test_an_output_that_is_a_folder(folder):
    (folder / "taken.csv").mkdir()
    assert "the output must be a file, got the folder" in cluster(folder, to="taken.csv")


def test_a_simulation_keeps_the_files_in_its_folder(folder):
    (folder / "films").mkdir()
    (folder / "films" / "val.parquet").write_text("mine")
    command = ("simulate", "-o", folder / "films", "--scale", "0.002")
    assert "val.parquet exists already" in refused(folder, *command)
    assert run(*command, "--force").exit_code == 0
    assert "does not exist" in refused(folder, "simulate", "-o", folder / "no" / "films", "--scale", "0.002")
    assert "good.npz" in refused(folder, "simulate", "-o", folder / "good.npz" / "films", "--scale", "0.002")


def test_a_demonstration_that_cannot_write_says_so_first(folder):
    assert "does not exist" in refused(folder, "demo", "-o", folder / "no" / "demo")
    (folder / "plain").touch()
    assert "plain" in refused(folder, "demo", "-o", folder / "plain")


@pytest.mark.parametrize("option", ["--checkpoint", "--history"])
def test_files_of_the_training_that_exist(folder, option):
    (folder / "state").write_text("mine")
    assert "state exists already" in train(folder, "good.parquet", option, folder / "state")


@pytest.mark.parametrize("name", ["new.txt", "new", "new.json"])
def test_unknown_suffixes_of_results(folder, name):
    assert "must end in .parquet or .csv" in cluster(folder, to=name)


def test_unknown_suffixes_of_simulations(folder):
    assert "a folder, a .parquet or .npz file" in refused(folder, "simulate", "-o", folder / "films.csv")


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "in/out", ""])
def test_the_name_of_a_video_does_not_choose_the_folder_of_a_model(folder, name):
    videos = films(1)
    named = replace(videos, video_ids=np.full(videos.n_tracks, name or "..", dtype=object))
    write_tracks(named, folder / "named.parquet")
    command = ("finetune", folder / "good.safetensors", folder / "named.parquet", "--per-video", "--rounds", 1)
    if name:
        message = refused(folder, *command, "-o", folder / "models")
        assert message == f"--per-video names a file after each video, got the video {name!r}"
    else:
        assert run(*command, "-o", folder / "models").exit_code == 0
        assert [path.name for path in (folder / "models").iterdir()] == ["...safetensors"]


# --- numbers that cannot be


@pytest.mark.parametrize("threshold", ["-0.5", "nan", "-inf"])
def test_thresholds(folder, threshold):
    message = refused(folder, "cluster", folder / "good.parquet", "--threshold", threshold, "-o", folder / "new.csv")
    assert message == f"distance_threshold must be a distance >= 0, got {float(threshold)}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--constraints", "none", "--constraints", "auto"), "constraints must be none alone"),
        (("--constraints", "missing.csv"), "the file of pairs missing.csv does not exist"),
        (("--threshold-scale", "nan"), "the threshold scale must be 0 or more, got nan"),
    ],
)
def test_constraints_that_cannot_be(folder, options, message):
    tracks, model = folder / "good.parquet", folder / "good.safetensors"
    assert message in refused(folder, "cluster", tracks, "--model", model, "-o", folder / "new.csv", *options)
    assert message in refused(folder, "evaluate", tracks, "--model", model, *options)


def test_calibrations_that_cannot_be(folder):
    def calibrate(*options: object, model: str = "good.safetensors") -> str:
        return refused(folder, "calibrate", folder / model, *options)

    val = ("--val", folder / "good.parquet")
    assert "precision must be in (0, 1], got 2.0" in calibrate(*val, "--precision", 2)
    assert "would overwrite the input" in calibrate(*val, "-o", folder / "good.safetensors")
    assert "a model is written as .safetensors, got the name new.bin" in calibrate(*val, "-o", "new.bin")
    assert "missing.safetensors does not exist" in calibrate(*val, model="missing.safetensors")
    write_tracks(without_labels(films()), folder / "bare.parquet")
    assert "the tracks must have labels" in calibrate("--val", folder / "bare.parquet", "--constraints", "none")
