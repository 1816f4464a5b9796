"""A small result with awkward names, and what it means that two results are the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast.results import ClusteringResult, describe_clusters
from bcl_fast.tracks import TrackSet

AWKWARD = ["0001", 'say "hi"', "a,b", "zwei\nZeilen", "Zoë", " padded "]


def tracks_of(n_tracks: int, video_ids: npt.ArrayLike | None = None) -> TrackSet:
    return TrackSet.from_arrays(np.ones((n_tracks, 2)), video_ids="film" if video_ids is None else video_ids)


def circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def example() -> ClusteringResult:
    tracks = TrackSet.from_arrays(np.ones((6, 2)), track_ids=AWKWARD, video_ids=AWKWARD[::-1])
    return describe_clusters(tracks, circle(0, 10, 90, 100, 20, 200), [0, 0, 1, 1, 0, 2])


def assert_same(one: ClusteringResult, other: ClusteringResult, decimals: int | None = None) -> None:
    for name, column in one.columns().items():
        if column.dtype == np.float32 and decimals is not None:
            np.testing.assert_allclose(other.columns()[name], column, atol=0.6 * 10**-decimals)
        else:
            np.testing.assert_array_equal(other.columns()[name], column)
        assert other.columns()[name].dtype.kind == column.dtype.kind
