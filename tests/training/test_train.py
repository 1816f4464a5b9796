"""The training loop: what it learns, what it writes, and that a killed run ends like an uninterrupted one."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.evaluation import evaluate
from bcl_fast.losses import fit_squared_radius
from bcl_fast.models import load_model, raw_embeddings
from bcl_fast.simulate import simulate_splits
from bcl_fast.tracks import TrackSet, concatenate
from bcl_fast.training import Recipe, train
from bcl_fast.training._data import TrainingData, identity_codes, mean_of_random_halves
from bcl_fast.training._recipe import LOSSES
from tests.helpers.training import SMALL, assert_same_result, blobs, weights_of

QUICK = Recipe(epochs=25, batch_size=256, learning_rate=0.1, radius_learning_rate_factor=0.01)


# --- the recipe


def test_the_default_recipe_is_the_papers():
    expected = {
        "head": "mlp",
        "dimensions": None,
        "batch_size": 2000,
        "learning_rate": 0.003,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "lr_decay": 0.9,
        "lr_decay_epochs": 10,
        "radius_freeze_epochs": 5,
        "radius_learning_rate_factor": 0.1,
        "init_raw": 0.1,
        "margin": 0.05,
        "alpha": 4.0,
        "space": "sphere",
        "seed": 0,
    }
    assert expected.items() <= Recipe().as_dict().items()
    assert set(Recipe().as_dict()) == {field.name for field in fields(Recipe)}
    json.dumps(Recipe(dimensions=(4, 3)).as_dict())


def test_the_learning_rate_falls_every_ten_epochs():
    rates = [Recipe().learning_rate_at(epoch) for epoch in (1, 10, 11, 21)]
    np.testing.assert_allclose(rates, [0.003, 0.003, 0.0027, 0.00243])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("epochs", 0, "epochs must be at least 1, got 0"),
        ("batch_size", 1, "batch_size must be at least 2, got 1"),
        ("learning_rate", 0.0, "learning_rate must be finite and positive, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be finite and positive, got nan"),
        ("momentum", 1.0, r"momentum must be in \[0, 1\), got 1.0"),
        ("margin", -0.1, "margin must be finite and not negative, got -0.1"),
        ("head", "conv", "head must be mlp, residual, linear or auto, got 'conv'"),
        ("space", "hyperbolic", "space must be sphere or euclidean, got 'hyperbolic'"),
        ("validation_interval", 0, "validation_interval must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(option, value, message):
    with pytest.raises(InputError, match=message):
        Recipe(**{option: value})


# --- the batches


@given(n_tracks=st.integers(2, 60), batch_size=st.integers(2, 40), seed=st.integers(0, 2**16))
def test_an_epoch_shows_every_track_in_batches_of_one_size(n_tracks, batch_size, seed):
    tracks = TrackSet.from_arrays(np.ones((n_tracks, 2)), labels=np.arange(n_tracks))
    batches = TrainingData(tracks).batches(np.random.default_rng(seed), batch_size)
    assert len(batches) == -(-n_tracks // batch_size)
    assert all(len(np.unique(batch)) == len(batch) == min(n_tracks, batch_size) for batch in batches)
    np.testing.assert_array_equal(np.unique(np.concatenate(batches)), np.arange(n_tracks))


def test_a_batch_holds_one_scaled_face_of_each_of_its_tracks():
    tracks = blobs()
    data, batch = TrainingData(tracks), np.array([5, 0, 9])
    faces, codes = data.draw(np.random.default_rng(1), batch)
    assert data.input_scale == pytest.approx(1 / np.linalg.norm(tracks.features, axis=1).mean(), rel=1e-5)
    np.testing.assert_array_equal(codes, data.codes[batch])
    for face, track in zip(faces, batch, strict=True):
        own = tracks.features[tracks.offsets[track] : tracks.offsets[track + 1]]
        assert np.abs(own * np.float32(data.input_scale) - face).max(axis=1).min() == 0


# --- what is learned and kept


def test_trained_embeddings_beat_raw_features_on_unseen_people():
    fit, val, test = simulate_splits(scale=0.03, seed=0)
    result = train(fit, val, recipe=replace(QUICK, head="residual", epochs=20, batch_size=500))
    raw = evaluate(test, raw_embeddings(test), n_clusters="true")[-1]
    ball = evaluate(test, result.model.embed_tracks(test), distance_threshold=result.model.distance_threshold)[-1]
    assert ball.nmi > raw.nmi + 0.1
    assert ball.wcp > raw.wcp


@pytest.mark.parametrize("interval", [1, 4])
def test_the_best_epoch_by_validation_nmi_is_returned(interval, tmp_path):
    val = blobs(6, seed=5)
    options = {"validation_interval": interval, "epochs": 10, "radius_learning_rate_factor": 1.0}
    result = train(blobs(), val, recipe=replace(SMALL, **options))
    scores = {record.epoch: record.val_nmi for record in result.history if record.val_nmi is not None}
    assert sorted(scores) == ([4, 8, 10] if interval == 4 else list(range(1, 11)))
    assert result.best_epoch == max(scores, key=lambda epoch: (scores[epoch], -epoch))
    assert [r.epoch for r in result.history if r.best][-1] == result.best_epoch
    record = result.history[result.best_epoch - 1]
    assert result.model.squared_radius == record.squared_radius
    row = evaluate(val, result.model.embed_tracks(val), distance_threshold=result.model.distance_threshold)[0]
    assert (row.nmi, row.wcp, row.n_clusters) == (record.val_nmi, record.val_wcp, record.val_n_clusters)
    assert result.best_epoch < 10  # the radius is driven on, so the last epoch is not the best


def test_without_validation_the_last_epoch_is_returned():
    result = train(blobs(), recipe=SMALL)
    assert result.best_epoch == 6
    assert result.model.squared_radius == result.history[-1].squared_radius
    assert all(record.val_nmi is None for record in result.history)


def test_the_radius_is_frozen_at_first():
    radii = [record.squared_radius for record in train(blobs(), recipe=SMALL).history]
    assert radii[0] == radii[1] == pytest.approx(np.log1p(np.exp(0.1)))
    assert radii[1] > radii[2] > radii[3]


def test_the_seed_decides_everything_and_touches_nothing():
    before = torch.get_rng_state()
    one, again, other = (train(blobs(), recipe=replace(SMALL, seed=seed)) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert_same_result(one, again)
    assert not torch.equal(weights_of(one)["inner.weight"], weights_of(other)["inner.weight"])


@pytest.mark.parametrize(
    "options", [{"head": "mlp"}, {"head": "linear"}, {"space": "euclidean"}, {"weight_decay": 0.01}]
)
def test_every_choice_trains(options):
    history = train(blobs(), recipe=replace(SMALL, **options)).history
    assert history[-1].loss < history[0].loss


def test_a_given_input_scale_is_used(tmp_path):
    result = train(blobs(), recipe=replace(SMALL, epochs=1, input_scale=0.25))
    assert result.model.input_scale == 0.25
    result.model.save(tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").recipe == result.model.recipe
    assert Recipe(**load_model(tmp_path / "model.safetensors").recipe) == replace(SMALL, epochs=1, input_scale=0.25)


# --- history and callbacks


def test_the_history_is_written_line_by_line(tmp_path):
    path, seen = tmp_path / "history.jsonl", []

    def on_epoch(record):
        lines = path.read_text().splitlines()
        seen.append(record.epoch)
        assert len(lines) == record.epoch
        assert json.loads(lines[-1]) == json.loads(record.as_json())

    batches = []
    result = train(
        blobs(),
        blobs(5, seed=9),
        recipe=SMALL,
        history=path,
        on_epoch=on_epoch,
        on_batch=lambda *at: batches.append(at),
    )
    assert seen == [record.epoch for record in result.history] == [1, 2, 3, 4, 5, 6]
    assert batches == [(epoch, batch, 2) for epoch in range(1, 7) for batch in (1, 2)]
    last = json.loads(path.read_text().splitlines()[-1])
    assert last["val_n_identities"] == 5
    assert last["loss"] == pytest.approx(4 * last["similar"] + last["dissimilar"], rel=1e-5)
    assert 0 <= last["violated_similar"] <= 1
    assert 0 <= last["violated_dissimilar"] <= 1
    assert last["learning_rate"] == 0.1
    assert min(last["data_seconds"], last["step_seconds"], last["validation_seconds"]) > 0


def test_tensorboard_says_when_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match="TensorBoard is not installed"):
        train(blobs(), recipe=SMALL, tensorboard=tmp_path / "board", history=tmp_path / "history.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_gets_the_scores(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    result = train(blobs(), blobs(5, seed=9), recipe=SMALL, tensorboard=tmp_path)
    board = EventAccumulator(str(tmp_path))
    board.Reload()
    events = board.Scalars("val_nmi")
    assert [event.step for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[-1].value == pytest.approx(result.history[-1].val_nmi)


# --- kill and resume


class Killed(BaseException):
    """Ends a run as a signal would."""


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


# --- bad input


def unchecked(features: np.ndarray, row: int, value: float) -> TrackSet:
    tracks = TrackSet.from_arrays(
        features, np.arange(0, len(features) + 1, 2), labels=np.arange(len(features) // 2) % 3
    )
    tracks.features[row] = value
    return tracks


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (replace(blobs(), labels=None), "the training tracks must have labels, got none"),
        (blobs(1), "the training tracks must show two identities or more, got only 'person0'"),
        (blobs(2).select([0]), "the training tracks must be two or more, got 1"),
        (unchecked(np.ones((8, 3)), 5, np.nan), "got a value that is not finite in face row 1 of track '2' of video"),
        (unchecked(np.ones((8, 3)), 4, 0), "got the zero vector in face row 0 of track '2' of video 'video'"),
    ],
)
def test_unusable_training_tracks_are_refused(tracks, message):
    with pytest.raises(InputError, match=message):
        train(tracks, recipe=SMALL)


@pytest.mark.parametrize(
    ("val", "message"),
    [
        (replace(blobs(), labels=None), "the validation tracks must have labels, got none"),
        (blobs(1), "the validation tracks must show two identities or more, got only 'person0'"),
        (blobs(n_features=7), "must have the 12 dimensions of the training features, got 7"),
    ],
)
def test_unusable_validation_tracks_are_refused(val, message):
    with pytest.raises(InputError, match=message):
        train(blobs(), val, recipe=SMALL)


def test_divergence_is_a_sentence():
    message = r"the loss or a weight is no longer finite in epoch 1: choose a learning_rate below 1e\+30"
    with pytest.raises(InputError, match=message):
        train(blobs(), blobs(5), recipe=replace(SMALL, head="mlp", learning_rate=1e30))


def test_identities_may_be_many_and_small():
    singles = TrackSet.from_arrays(np.random.default_rng(0).standard_normal((40, 12)), labels=np.arange(40))
    history = train(concatenate([blobs(), replace(singles, video_ids=np.full(40, "other"))]), recipe=SMALL).history
    assert all(np.isfinite(record.loss) for record in history)


# --- other losses


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "ball"])
def test_a_baseline_trains_and_stores_the_threshold_of_the_validation_tracks(loss, tmp_path):
    val = blobs(6, seed=5)
    result = train(blobs(), val, recipe=replace(SMALL, loss=loss, learning_rate=0.05))
    assert result.history[-1].loss < result.history[0].loss
    assert result.history[-1].similar is None
    result.model.save(tmp_path / "model.safetensors")
    model = load_model(tmp_path / "model.safetensors")
    assert model.stored_threshold == model.distance_threshold == result.model.distance_threshold
    assert model.normalize == (loss not in ("prototypical", "crossentropy"))
    row = evaluate(val, model.embed_tracks(val), distance_threshold=model.distance_threshold)[0]
    record = result.history[result.best_epoch - 1]
    assert row.n_clusters == row.n_identities == record.val_n_clusters
    assert (row.nmi, model.distance_threshold) == (record.val_nmi, record.distance_threshold)
    own = fit_squared_radius(
        model.embed_tracks(blobs()), identity_codes(blobs(), ""), space="sphere" if model.normalize else "euclidean"
    )
    assert model.squared_radius == own


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("threshold", ["radius", "validation"])
def test_both_thresholds_work_for_every_loss(loss, threshold):
    model = train(blobs(), blobs(6, seed=5), recipe=replace(SMALL, loss=loss, threshold=threshold, epochs=2)).model
    assert (model.stored_threshold is None) == (threshold == "radius")
    assert model.distance_threshold == (model.stored_threshold or 4 * model.squared_radius)


def test_a_threshold_by_validation_wants_validation_tracks():
    with pytest.raises(InputError, match="a threshold from the validation tracks wants some, got none"):
        train(blobs(), recipe=replace(SMALL, loss="triplet"))
    model = train(blobs(), recipe=replace(SMALL, loss="triplet", threshold="radius", epochs=2)).model
    assert model.stored_threshold is None
    assert 0 < model.squared_radius < np.inf


def test_balls_without_normalisation_are_euclidean():
    with pytest.raises(InputError, match="space must be euclidean where embeddings are not normalised"):
        train(blobs(), recipe=replace(SMALL, normalize=False))
    model = train(blobs(), recipe=replace(SMALL, normalize=False, space="euclidean")).model
    norms = np.linalg.norm(model.embed_tracks(blobs()), axis=1)
    assert not np.allclose(norms, 1, atol=0.01)


@pytest.mark.parametrize("loss", ["triplet", "contrastive", "crossentropy"])
def test_a_killed_baseline_resumes_to_the_same_bits(loss, tmp_path):
    data, recipe = (blobs(), blobs(5, seed=9)), replace(SMALL, loss=loss, faces="half")
    with pytest.raises(Killed):
        train(*data, recipe=recipe, on_epoch=kill_after(3), checkpoint=tmp_path / "state.pt")
    resumed = train(*data, recipe=recipe, checkpoint=tmp_path / "state.pt", resume=True)
    whole = train(*data, recipe=recipe)
    assert_same_result(resumed, whole)
    assert resumed.model.stored_threshold == whole.model.stored_threshold


@given(seed=st.integers(0, 2**16), lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_means_of_random_halves(seed, lengths):
    rng = np.random.default_rng(seed)
    tracks = TrackSet.from_arrays(2.0 ** np.arange(sum(lengths))[:, None] * [1, -1], np.append(0, np.cumsum(lengths)))
    batch = rng.permutation(len(lengths))
    found = mean_of_random_halves(tracks, rng, batch)
    for mean, track in zip(found, batch, strict=True):
        half = -(-lengths[track] // 2)
        bits = format(round(float(mean[0]) * half), "b")[::-1]  # a face is a power of two, so a sum says which faces
        faces = [place for place, bit in enumerate(bits) if bit == "1"]
        assert len(faces) == half
        assert all(tracks.offsets[track] <= face < tracks.offsets[track + 1] for face in faces)
        assert mean[1] == -mean[0]


def test_all_halves_are_equally_likely():
    tracks, rng = TrackSet.from_arrays(np.eye(3), [0, 3]), np.random.default_rng(0)
    means = np.concatenate([mean_of_random_halves(tracks, rng, np.array([0])) for _ in range(3000)])
    np.testing.assert_allclose(means.mean(axis=0), [1 / 3] * 3, atol=0.02)
    assert set(means.ravel().tolist()) == {0.0, 0.5}
