"""A point for each track, as those who cluster tracks are given them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.types import Points
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import track_name

if TYPE_CHECKING:
    from bcl_fast.results._result import ClusteringResult
    from bcl_fast.tracks import TrackSet


def points_of(tracks: TrackSet | ClusteringResult, embeddings: ArrayLike) -> Points:
    """Return embeddings as an array of one finite point for each track.

    Raises
    ------
    InputError
        A ValueError: if they are not that; a point that is not finite is named by its track.
    """
    points = as_array(embeddings, "embeddings")
    if points.dtype.kind not in "fiub":
        raise InputError(f"embeddings must be real numbers, got dtype {points.dtype}")
    if points.ndim != 2 or len(points) != tracks.n_tracks:
        wanted = f"one point for each of the {tracks.n_tracks} tracks"
        raise InputError(f"embeddings must be {wanted}, got shape {points.shape}")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        name = track_name(tracks.track_ids[bad[0]], tracks.video_ids[bad[0]])
        raise InputError(f"embeddings must be finite, got a value that is not for {name}")
    return points
