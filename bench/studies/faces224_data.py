"""The 224 people of shared/data/faces224, dealt out to tracks and to training, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bcl_fast.tracks import TrackSet

SEEDS = (0, 1, 2)


class Split(NamedTuple):
    train: TrackSet
    val: TrackSet
    test: TrackSet


def group_in_tracks(embedding: np.ndarray, label: np.ndarray, people: np.ndarray, rng: np.random.Generator) -> TrackSet:
    """Deal the images of each person out to tracks of one to four."""
    rows, lengths, names = [], [], []
    for person in people:
        images = rng.permutation(np.flatnonzero(label == person))
        while len(images):
            track, images = np.split(images, [rng.integers(1, 5)])
            rows.append(track)
            lengths.append(len(track))
            names.append(person)
    return TrackSet.from_arrays(embedding[np.concatenate(rows)], np.append(0, np.cumsum(lengths)), labels=names)


def as_single_images(tracks: TrackSet) -> TrackSet:
    assert tracks.labels is not None
    return TrackSet.from_arrays(tracks.features, labels=np.repeat(tracks.labels, np.diff(tracks.offsets)))


def split_people(data: Path, seed: int) -> Split:
    """112 people to train on, 23 to validate with, 89 to test on."""
    with np.load(data / "faces224" / "features.npz") as file:
        embedding, label = file["embedding"], file["label"]
    rng = np.random.default_rng(seed)
    people = np.split(rng.permutation(np.unique(label)), [112, 112 + 23])
    return Split(*(group_in_tracks(embedding, label, part, rng) for part in people))
