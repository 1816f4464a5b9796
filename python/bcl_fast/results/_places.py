"""Where the tracks of a file stand in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcl_fast._utils.types import Integers
from bcl_fast.results._result import ClusteringResult

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet


def places_in(result: ClusteringResult, tracks: TrackSet) -> Integers:
    """Return the row of a result that each track has, -1 for a track that it lacks: (n_tracks,) int64."""
    known, asked = (zip(one.video_ids.tolist(), one.track_ids.tolist(), strict=True) for one in (result, tracks))
    rows = {name: row for row, name in enumerate(known)}
    return np.array([rows.get(name, -1) for name in asked], np.int64)
