"""Tracks that a result has already: known again by their names, and by their embeddings that they are the same.

A Parquet result holds the embeddings; a CSV result holds a number per track instead, its fingerprint: the embedding's
product with a fixed vector, which rounding hardly changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._places import places_in
from bcl_fast.results._result import ClusteringResult, fingerprints
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._names import track_name
from bcl_fast.tracks._video_names import STANDARD_INPUT, path_names

_TOLERANCE = {"embeddings": 1e-3, "fingerprints": 1e-4}  # of an embedding's norm; CSV has six decimals


def check_known(result: ClusteringResult, tracks: TrackSet, embeddings: NDArray[Any], place: Integers) -> None:
    """Refuse tracks that have the names of tracks of a result, at the places given (-1: none), but other embeddings.

    Raises
    ------
    InputError
        With the name of the first of them.
    """
    other = np.flatnonzero(~_is_same(result, embeddings, place) & (place >= 0))
    if len(other):
        name = track_name(tracks.track_ids[other[0]], tracks.video_ids[other[0]])
        many = "" if len(other) == 1 else f", as {len(other) - 1:,} more have"
        raise InputError(
            f"{name} is in the result with another embedding{many}: another video must have another name, and "
            "embeddings of another model must be clustered anew"
        )


def _is_same(result: ClusteringResult, embeddings: NDArray[Any], place: Integers) -> NDArray[np.bool_]:
    """Whether the embedding of each track is the one in the result; true where the result cannot tell."""
    points = embeddings.astype(np.float64)
    norms = np.maximum(1e-30, np.linalg.norm(points, axis=1))
    same = np.ones(len(place), bool)
    known = place >= 0
    if result.embeddings is not None:
        if result.embeddings.shape[1] != points.shape[1]:
            wanted = f"the {result.embeddings.shape[1]} dimensions of those in the result"
            raise InputError(f"new embeddings must have {wanted}, got {points.shape[1]}")
        distance = np.abs(result.embeddings[place[known]] - points[known]).max(axis=1, initial=0)
        same[known] = distance <= _TOLERANCE["embeddings"] * norms[known]
    elif result.fingerprints is not None:
        distance = np.abs(result.fingerprints[place[known]] - fingerprints(points[known]))
        same[known] = ~(distance > _TOLERANCE["fingerprints"] * norms[known])  # NaN: not known
    return same


def rename_videos(
    result: ClusteringResult, tracks: TrackSet, embeddings: NDArray[Any], paths: Mapping[str, Path]
) -> tuple[TrackSet, dict[str, str]]:
    """Give videos that are named by their files the names that they have in a result, or names that no other has.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet
    embeddings : ndarray of shape (n_tracks, n_dimensions)
    paths : mapping of str to Path
        The files by which videos are named, by these names; ``-`` is standard input.

    Returns
    -------
    tracks : TrackSet
    renamed : dict of str to str
        The new names by the names so far.

    Raises
    ------
    InputError
        If all names that a file may give are those of other videos.
    """
    taken, members = set(result.video_ids.tolist()), tracks.tracks_of_videos()
    chosen: dict[str, str] = {}
    for video, path in paths.items():
        others = (set(members) - set(paths)) | set(chosen.values())
        part, points = tracks.select(members[video]), embeddings[members[video]]
        candidates = [
            name for name in dict.fromkeys([*_names(path, len(members) + len(taken)), video]) if name not in others
        ]
        match = next((name for name in candidates if _is_video(result, part, points, name)), None)
        free = [name for name in (video, *candidates) if name not in taken and name not in others]
        if match is None and not free:
            raise InputError(f"{path} must be renamed: all names of videos that its path gives are those of others")
        chosen[video] = match or free[0]
    renamed = {video: name for video, name in chosen.items() if name != video}
    ids = [renamed.get(video, video) for video in tracks.video_ids.tolist()]
    return replace(tracks, video_ids=np.array(ids, dtype=object)), renamed


def _names(path: PurePath, n_videos: int) -> list[str]:
    """Return the names that a file may have beside so many videos; what was piped is numbered."""
    if path != STANDARD_INPUT:
        return path_names(path)
    return ["stdin", *(f"stdin-{number}" for number in range(2, n_videos + 3))]


def _is_video(result: ClusteringResult, tracks: TrackSet, embeddings: NDArray[Any], name: str) -> bool:
    """Whether a video of a result has a track of this one, with its embedding; `check_known` looks at the others."""
    place = places_in(result, replace(tracks, video_ids=np.full(tracks.n_tracks, name, dtype=object)))
    return bool(np.any(_is_same(result, embeddings, place) & (place >= 0)))
