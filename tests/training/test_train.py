"""The training loop: what it learns, keeps and writes."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from bcl_fast.errors import InputError, MissingExtraError
from bcl_fast.evaluation import evaluate
from bcl_fast.losses import fit_squared_radius
from bcl_fast.models import load_model, raw_embeddings
from bcl_fast.simulate import simulate_splits
from bcl_fast.tracks import TrackSet, concatenate
from bcl_fast.training import Recipe, train
from bcl_fast.training._data import identity_codes
from bcl_fast.training._recipe import LOSSES
from tests.helpers.training import SMALL, assert_same_result, blobs, weights_of

QUICK = Recipe.paper(epochs=25, batch_size=256, learning_rate=0.1, radius_learning_rate_factor=0.01)


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
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"wants tensorboard, which is not installed: pip install"):
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


def test_tensorboard_wants_a_folder_named_in_utf_8(tmp_path):
    with pytest.raises(InputError, match=r"the folder of TensorBoard must have a name in UTF-8, got .*b\\udcff"):
        train(blobs(), recipe=SMALL, tensorboard=tmp_path / os.fsdecode(b"b\xff"))
    assert list(tmp_path.iterdir()) == []


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
