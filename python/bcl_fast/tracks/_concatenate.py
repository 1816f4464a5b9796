"""Several sets of tracks as one."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from bcl_fast._utils.types import Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import first_duplicate, track_name
from bcl_fast.tracks._recognizers import same_recognizer
from bcl_fast.tracks._track_set import TrackSet


def concatenate(track_sets: Sequence[TrackSet], *, names: Sequence[str] | None = None) -> TrackSet:
    """Put track sets together, in the order given.

    Tracks of a set without labels have none beside those of other sets. Frames, boxes and images are kept when all sets
    have them; otherwise they are left out, with a warning.

    Parameters
    ----------
    track_sets : sequence of TrackSet, at least one
    names : sequence of str, optional
        What the sets are called in messages (files, say); their positions by default.

    Raises
    ------
    InputError
        If n_features or recognizers differ, or a (video, track) is in two sets.
    """
    if not track_sets:
        raise InputError("at least one set of tracks is wanted, got none")
    called = [f"set {number}" for number in range(len(track_sets))] if names is None else list(names)
    if len(track_sets) == 1:
        return track_sets[0]
    _check_alike(track_sets, called)
    track_ids = np.concatenate([tracks.track_ids for tracks in track_sets])
    video_ids = np.concatenate([tracks.video_ids for tracks in track_sets])
    _check_disjoint(track_sets, called, video_ids, track_ids)
    counts = np.concatenate([np.diff(tracks.offsets) for tracks in track_sets])
    return TrackSet(
        np.concatenate([tracks.features for tracks in track_sets]),
        np.append(0, np.cumsum(counts)).astype(np.int64),
        track_ids,
        video_ids,
        labels=_joined_labels(track_sets),
        frames=joined([tracks.frames for tracks in track_sets], "frames", "sets of tracks", stacklevel=3),
        boxes=joined([tracks.boxes for tracks in track_sets], "boxes", "sets of tracks", stacklevel=3),
        images=joined([tracks.images for tracks in track_sets], "images", "sets of tracks", stacklevel=3),
        recognizer=same_recognizer([tracks.recognizer for tracks in track_sets], called),
    )


def _check_alike(track_sets: Sequence[TrackSet], called: list[str]) -> None:
    first = track_sets[0]
    for tracks, name in zip(track_sets[1:], called[1:], strict=True):
        if tracks.n_features != first.n_features:
            sizes = f"{first.n_features} in {called[0]} and {tracks.n_features} in {name}"
            raise InputError(f"all tracks must have the same number of features, got {sizes}")


def _check_disjoint(track_sets: Sequence[TrackSet], called: list[str], video_ids: Names, track_ids: Names) -> None:
    duplicate = first_duplicate(video_ids, track_ids)
    if duplicate is None:
        return
    ends = np.cumsum([tracks.n_tracks for tracks in track_sets])
    later, earlier = (called[int(np.searchsorted(ends, track, side="right"))] for track in duplicate)
    name = track_name(track_ids[duplicate[0]], video_ids[duplicate[0]])
    raise InputError(f"(video, track) must be unique, got {name} in both {earlier} and {later}")


def _joined_labels(track_sets: Sequence[TrackSet]) -> Names | None:
    if all(tracks.labels is None for tracks in track_sets):
        return None
    without = (np.full(tracks.n_tracks, "", dtype=object) for tracks in track_sets)
    return np.concatenate([bare if t.labels is None else t.labels for t, bare in zip(track_sets, without, strict=True)])


def joined(parts: Sequence[Any], what: str, of: str, *, stacklevel: int) -> Any:
    """Put arrays after each other if all parts have one; else None, with a warning where some have."""
    missing = sum(part is None for part in parts)
    if missing == 0:
        return np.concatenate(parts)
    if missing < len(parts):
        warnings.warn(f"{what} are left out: {missing} of {len(parts)} {of} have none", stacklevel=stacklevel)
    return None
