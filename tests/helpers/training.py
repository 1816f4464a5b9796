"""A small training and its tracks, and what it means that two trainings are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from bcl_fast.tracks import TrackSet
from bcl_fast.training import EpochRecord, Recipe, TrainingResult

SMALL = Recipe.paper(head="residual", epochs=6, batch_size=32, learning_rate=0.1, radius_freeze_epochs=2)


class Killed(BaseException):
    """Ends a run as a signal would."""


def blobs(n_identities: int = 8, seed: int = 0, n_features: int = 12, prefix: str = "person") -> TrackSet:
    """Tracks of one to four faces around one centre per identity, seven tracks each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 5, 7 * n_identities)
    people = np.repeat(np.tile(np.arange(n_identities), 7), lengths)
    centres = rng.standard_normal((n_identities, n_features))
    faces = centres[people] + 0.3 * rng.standard_normal((len(people), n_features))
    labels = [f"{prefix}{k}" for k in np.tile(np.arange(n_identities), 7)]
    return TrackSet.from_arrays(faces, np.append(0, np.cumsum(lengths)), labels=labels)


def noisy(n_identities: int, *, seed: int = 0, prefix: str = "person", n_tracks: int = 6) -> TrackSet:
    """Tracks that tell people apart in four of twenty dimensions, and differ as much in the others."""
    rng = np.random.default_rng(seed)
    centres = np.zeros((n_identities, 20))
    centres[:, :4] = rng.standard_normal((n_identities, 4))
    people = np.repeat(np.arange(n_identities), n_tracks)
    features = centres[people] + np.array([0.1] * 4 + [0.7] * 16) * rng.standard_normal((len(people), 20))
    labels = [f"{prefix}{k}" for k in people]
    ids = [f"{prefix}-{row}" for row in range(len(people))]
    return TrackSet.from_arrays(features, np.arange(len(people) + 1), labels=labels, track_ids=ids)


def weights_of(result: TrainingResult) -> dict[str, torch.Tensor]:
    return result.model.head.state_dict()


def assert_same_result(one: TrainingResult, other: TrainingResult) -> None:
    assert one.best_epoch == other.best_epoch
    assert one.model.squared_radius == other.model.squared_radius
    assert one.model.input_scale == other.model.input_scale
    for name, weight in weights_of(one).items():
        assert torch.equal(weight, weights_of(other)[name]), name
    assert [untimed(record) for record in one.history] == [untimed(record) for record in other.history]


def untimed(record: EpochRecord) -> EpochRecord:
    return replace(record, data_seconds=0.0, step_seconds=0.0, validation_seconds=0.0)
