"""Checkpoints: a killed run ends with the same bits, and what is not its own is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet
from bcl_fast.training import Recipe, train
from tests.helpers.training import SMALL, Killed, assert_same_result, blobs

QUICK = Recipe.paper(epochs=25, batch_size=256, learning_rate=0.1, radius_learning_rate_factor=0.01)


def kill_after(n_epochs: int):
    def on_epoch(record):
        if record.epoch == n_epochs:
            raise Killed

    return on_epoch


@pytest.mark.parametrize("kill_at", [1, 3, 6])
@pytest.mark.parametrize("head", ["residual", "mlp"])
def test_a_killed_run_resumes_to_the_same_bits(head, kill_at, tmp_path):
    data, recipe = (blobs(), blobs(5, seed=9)), replace(SMALL, head=head)
    whole = train(*data, recipe=recipe)
    files = {"checkpoint": tmp_path / "state.pt", "history": tmp_path / "history.jsonl"}
    with pytest.raises(Killed):
        train(*data, recipe=recipe, on_epoch=kill_after(kill_at), **files)
    resumed = train(*data, recipe=recipe, resume=True, **files)
    assert_same_result(resumed, whole)
    lines = [json.loads(line)["epoch"] for line in files["history"].read_text().splitlines()]
    assert lines == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.jsonl", "state.pt"]


def test_a_run_killed_within_an_epoch_resumes_to_the_same_bits(tmp_path):
    def on_batch(epoch, batch, n_batches):
        if (epoch, batch) == (4, 1):
            raise Killed

    with pytest.raises(Killed):
        train(blobs(), recipe=SMALL, checkpoint=tmp_path / "state.pt", on_batch=on_batch)
    resumed = train(blobs(), recipe=SMALL, checkpoint=tmp_path / "state.pt", resume=True)
    assert_same_result(resumed, train(blobs(), recipe=SMALL))


def test_a_resumed_run_may_be_longer(tmp_path):
    train(blobs(), recipe=SMALL, checkpoint=tmp_path / "state.pt")
    longer = train(blobs(), recipe=replace(SMALL, epochs=9), checkpoint=tmp_path / "state.pt", resume=True)
    assert_same_result(longer, train(blobs(), recipe=replace(SMALL, epochs=9)))
    with pytest.raises(InputError, match="with another recipe: epochs was 9, now it is 5"):
        train(blobs(), recipe=replace(SMALL, epochs=5), checkpoint=tmp_path / "state.pt", resume=True)


def test_resume_without_a_checkpoint_file_starts_afresh(tmp_path):
    result = train(blobs(), recipe=SMALL, checkpoint=tmp_path / "state.pt", resume=True)
    assert_same_result(result, train(blobs(), recipe=SMALL))
    with pytest.raises(InputError, match="resume wants the checkpoint to go on from, got none"):
        train(blobs(), recipe=SMALL, resume=True)


def relabelled(tracks: TrackSet) -> TrackSet:
    return replace(tracks, labels=np.roll(tracks.labels, 1))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ((blobs(),), {"learning_rate": 0.2}, "another recipe: learning_rate was 0.1, now it is 0.2"),
        ((blobs(),), {"head": "linear"}, "another recipe: head was residual, now it is linear"),
        ((blobs(9),), {}, "another set of tracks: training tracks was 56, now it is 63"),
        ((blobs(), blobs(5)), {}, "another set of tracks: validation tracks was 0, now it is 35"),
        ((relabelled(blobs()),), {}, "another set of tracks: checksum of the training labels was"),
        ((replace(blobs(), features=2 * blobs().features),), {}, "checksum of the training features was"),
    ],
)
def test_resuming_something_else_names_the_difference(data, options, message, tmp_path):
    train(blobs(), recipe=replace(SMALL, epochs=2), checkpoint=tmp_path / "state.pt")
    before = (tmp_path / "state.pt").read_bytes()
    with pytest.raises(InputError, match=message):
        train(*data, recipe=replace(SMALL, **options), checkpoint=tmp_path / "state.pt", resume=True)
    assert (tmp_path / "state.pt").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", None])
def test_a_damaged_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "state.pt"
    train(blobs(), recipe=replace(SMALL, epochs=1), checkpoint=path)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(InputError, match=r"state\.pt is damaged or was not written by bcl_fast"):
        train(blobs(), recipe=SMALL, checkpoint=path, resume=True)
    torch.save({"format": "theirs"}, path)
    with pytest.raises(InputError, match="is not a checkpoint of the format"):
        train(blobs(), recipe=SMALL, checkpoint=path, resume=True)


def rewrite(path, **changes) -> None:
    """Change a checkpoint, but for its checksum; what is None is left out."""
    content = {**torch.load(path, weights_only=True), **changes}
    torch.save({name: value for name, value in content.items() if name not in changes or value is not None}, path)


@pytest.mark.parametrize("changes", [{"best_epoch": 2}, {"best_threshold": 0.5}, {"head": {}}, {"checksum": None}])
def test_a_checkpoint_that_does_not_match_its_checksum_is_refused(changes, tmp_path):
    path = tmp_path / "state.pt"
    train(blobs(), recipe=replace(SMALL, epochs=1), checkpoint=path)
    rewrite(path, **changes)
    with pytest.raises(InputError, match=r"state\.pt is damaged: it does not match its checksum"):
        train(blobs(), recipe=SMALL, checkpoint=path, resume=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"head": {}},
        {"history": "[{}]"},
        {"history": "Infinity"},
        {"recipe": "[" * 100_000},
        {"recipe": "9" * 5000},
        {"rng": "{}"},
        {"optimizer": {"state": {}}},
        {"loss": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_content_of_an_older_version_that_cannot_be_used(changes, tmp_path):
    path = tmp_path / "state.pt"
    train(blobs(), recipe=replace(SMALL, epochs=1), checkpoint=path)
    rewrite(path, checksum=None, format="bcl_fast training 1", **changes)
    with pytest.raises(InputError, match=r"state\.pt (has damaged content|was made with another)"):
        train(blobs(), recipe=SMALL, checkpoint=path, resume=True)


def test_a_checkpoint_of_an_older_version_is_resumed(tmp_path):
    path = tmp_path / "state.pt"
    train(blobs(), recipe=replace(SMALL, epochs=2), checkpoint=path)
    rewrite(path, checksum=None, format="bcl_fast training 1")
    assert_same_result(train(blobs(), recipe=SMALL, checkpoint=path, resume=True), train(blobs(), recipe=SMALL))


@pytest.mark.parametrize("name", ["checkpoint", "history"])
def test_files_that_exist_are_kept_unless_forced(name, tmp_path):
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        train(blobs(), recipe=SMALL, **{name: path})
    assert path.read_text() == "precious"
    train(blobs(), recipe=replace(SMALL, epochs=1), force=True, **{name: path})
    assert path.read_bytes()[:8] != b"precious"
    with pytest.raises(InputError, match="does not exist"):
        train(blobs(), recipe=SMALL, **{name: tmp_path / "missing" / "file"})


@pytest.mark.parametrize("loss", ["triplet", "contrastive", "crossentropy"])
def test_a_killed_baseline_resumes_to_the_same_bits(loss, tmp_path):
    data, recipe = (blobs(), blobs(5, seed=9)), replace(SMALL, loss=loss, faces="half")
    with pytest.raises(Killed):
        train(*data, recipe=recipe, on_epoch=kill_after(3), checkpoint=tmp_path / "state.pt")
    resumed = train(*data, recipe=recipe, checkpoint=tmp_path / "state.pt", resume=True)
    whole = train(*data, recipe=recipe)
    assert_same_result(resumed, whole)
    assert resumed.model.stored_threshold == whole.model.stored_threshold
