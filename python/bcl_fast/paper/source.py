"""What a reproduction runs on: tracks from files, or simulated ones of the paper's split sizes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bcl_fast.errors import InputError
from bcl_fast.simulate import World, simulate_splits
from bcl_fast.tracks import Splits, TrackSet, describe_data, read_tracks

Data = Literal["simulated films", "your tracks", "the paper's test videos"]  # what ours are of
PAPER_EPISODES = frozenset(f"{series}{episode:02}" for series in ("bbt_s01e", "buffy_s05e") for episode in range(1, 7))


@dataclass(frozen=True)
class Simulation:
    """Simulated films; each repeat has films, people and noise of its own.

    Attributes
    ----------
    scale, seed
        As for `bcl_fast.simulate.simulate_splits`; repeat ``r`` has the seed ``seed + r``.
    """

    scale: float
    seed: int = 0
    is_simulated: bool = field(default=True, init=False)

    def splits(self, repeat: int, n_features: int | None = None) -> Splits:
        """Training, validation and test tracks of a repeat, of another dimension of the features if asked."""
        return _simulated(self.scale, self.seed + repeat, n_features or World().n_features)

    def of_paper_size(self) -> Splits:
        """Tracks as many as the paper's, for what needs their labels alone: the features have one dimension."""
        return simulate_splits(1.0, self.seed, world=World(n_features=1))

    def describe(self) -> dict[str, Any]:
        """By what a later run knows the data again."""
        return {"data": "simulated", "scale": self.scale, "seed": self.seed}


@dataclass(frozen=True)
class Files:
    """Labelled tracks from files; repeats differ in the seed of the training alone.

    Attributes
    ----------
    train, val, test : tuple of Path
        In any format that `bcl_fast.read_tracks` reads.
    """

    train: tuple[Path, ...]
    val: tuple[Path, ...]
    test: tuple[Path, ...]
    is_simulated: bool = field(default=False, init=False)

    def splits(self, repeat: int, n_features: int | None = None) -> Splits:
        """Training, validation and test tracks, the same in all repeats."""
        return _read(self)

    def of_paper_size(self) -> Splits:
        """Tracks as they are, however many."""
        return self.splits(0)

    def describe(self) -> dict[str, Any]:
        """By what a later run knows the data again."""
        splits = self.splits(0)
        return {"data": "files", **describe_data(splits.train, splits.val), "test tracks": splits.test.n_tracks}


Source = Simulation | Files


@lru_cache(maxsize=2)
def _simulated(scale: float, seed: int, n_features: int) -> Splits:
    return simulate_splits(scale, seed, world=World(n_features=n_features))


@lru_cache(maxsize=1)
def _read(files: Files) -> Splits:
    parts = Splits(*(read_tracks(paths).labelled() for paths in (files.train, files.val, files.test)))
    parts = parts._replace(test=_with_images_found(parts.test, {path.parent for path in files.test}))
    for name, tracks in parts._asdict().items():
        if tracks.labels is None:
            raise InputError(f"the {name} tracks must have labels, got none")
        if tracks.n_features != parts.train.n_features:
            wanted = f"the {parts.train.n_features} dimensions of the training features"
            raise InputError(f"the {name} features must have {wanted}, got {tracks.n_features}")
    return parts


def _with_images_found(tracks: TrackSet, folders: set[Path]) -> TrackSet:
    """Take images that are not found as they are named from the folder of the tracks that has the first of them."""
    if tracks.images is None:
        return tracks
    first = next((image for image in tracks.images if image), "")
    if not first or Path(first).is_file():
        return tracks
    for folder in folders:
        if (folder / first).is_file():
            return replace(
                tracks, images=np.array([image and str(folder / image) for image in tracks.images], np.object_)
            )
    return tracks


def kind_of_data(source: Source) -> Data:
    """Say what is scored; the paper's test videos are known by the names that its authors give its 12 episodes."""
    if source.is_simulated:
        return "simulated films"
    return "the paper's test videos" if set(source.splits(0).test.videos) == PAPER_EPISODES else "your tracks"
