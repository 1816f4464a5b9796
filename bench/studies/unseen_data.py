"""The sets of shared/data whose classes are dealt to training, validation and test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bcl_fast.tracks import Splits, TrackSet

SETS = ("friends_dlib", "leaves100", "faces224", "clinc150_lsa")
N_SPLITS = 5


def splits_of(data: Path, name: str, n_splits: int = N_SPLITS) -> Iterator[Splits]:
    """Deal the classes of a set: half to train on, a tenth to validate with, the rest to cluster.

    Every sample is a track of its own.
    """
    path = data / "faces224" / "features.npz" if name == "faces224" else data / "unseen" / f"{name}.npz"
    with np.load(path) as file:
        fields = ("embedding", "label") if name == "faces224" else ("features", "labels")
        features, labels = (file[field] for field in fields)
    classes, codes = np.unique(labels, return_inverse=True)
    for seed in range(n_splits):
        order = np.random.default_rng(seed).permutation(len(classes))
        parts = np.split(order, [len(classes) // 2, len(classes) // 2 + len(classes) // 10])
        yield Splits(*(_tracks(features, codes, np.flatnonzero(np.isin(codes, part))) for part in parts))


def _tracks(features: np.ndarray, codes: np.ndarray, rows: np.ndarray) -> TrackSet:
    return TrackSet.from_arrays(features[rows], labels=codes[rows].astype(str), track_ids=rows.astype(str))
