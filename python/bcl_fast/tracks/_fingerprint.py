"""By what a set of tracks is known again."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from bcl_fast.tracks._track_set import TrackSet

SAMPLED_ROWS = 4096


def describe_data(tracks: TrackSet, val: TrackSet | None) -> dict[str, Any]:
    """Sizes and checksums by which a resumed run knows its data again; of the features, some thousand rows are read."""
    description: dict[str, Any] = {}
    for part, data in (("training", tracks), ("validation", val)):
        description[f"{part} tracks"] = 0 if data is None else data.n_tracks
        if data is not None:
            rows = np.unique(np.linspace(0, data.n_faces - 1, min(SAMPLED_ROWS, data.n_faces)).astype(np.int64))
            description[f"{part} faces"] = data.n_faces
            description[f"{part} dimension"] = data.n_features
            description[f"checksum of the {part} labels"] = zlib.crc32("\0".join(data.labels).encode())  # type: ignore[arg-type]
            description[f"checksum of the {part} track lengths"] = zlib.crc32(data.offsets.tobytes())
            description[f"checksum of the {part} features"] = zlib.crc32(
                np.ascontiguousarray(data.features[rows]).tobytes()
            )
    return description
