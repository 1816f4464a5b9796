"""Names of tracks, videos and identities as text."""

from __future__ import annotations

from typing import Any

import numpy as np

from bcl_fast._utils.codes import categories
from bcl_fast._utils.types import Names
from bcl_fast.errors import InputError


def as_names(values: Any, what: str) -> Names:
    """Turn text, bytes or whole numbers into a 1-D array of text; missing values become ``""``."""
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        raise InputError(f"{what} must be 1-D, got shape {array.shape}")
    if array.dtype.kind == "O":
        return np.array([_as_name(value, what) for value in array], dtype=np.str_)
    if array.dtype.kind == "S":
        try:
            return np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{what} must be UTF-8 text, got bytes that are not ({error.reason})") from None
    if array.dtype.kind not in "UTiu":
        raise InputError(f"{what} must be text or whole numbers, got {array.dtype}")
    return array.astype(np.str_)


def _as_name(value: object, what: str) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, str | bytes | int | np.integer) and not isinstance(value, bool):
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    raise InputError(f"{what} must be text or whole numbers, got {value!r}")


def track_name(track_id: object, video_id: object) -> str:
    """Name a track in a message."""
    return f"track {str(track_id)!r} of video {str(video_id)!r}"


def first_duplicate(video_ids: Names, track_ids: Names) -> tuple[int, int] | None:
    """Find the first track whose (video, track) came before: its position and the earlier one."""
    videos, tracks = categories(video_ids), categories(track_ids)
    pairs = categories(videos.codes * (len(tracks.names) + 1) + tracks.codes)
    if len(pairs.names) == len(track_ids):
        return None
    _, first = np.unique(pairs.codes, return_index=True)
    repeated = np.ones(len(track_ids), dtype=bool)
    repeated[first] = False
    later = int(np.argmax(repeated))
    return later, int(first[pairs.codes[later]])
