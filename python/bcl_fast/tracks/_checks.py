"""What every set of tracks is held to; how values become names is in ``_names.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Floats, Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import first_duplicate, track_name

_CHUNK_VALUES = 1 << 21
LARGEST_INTEGER = 1 << 62


def check_ids(video_ids: Names, track_ids: Names) -> None:
    """Refuse empty ids and two tracks of one name in one video."""
    for what, values in (("track_id", track_ids), ("video_id", video_ids)):
        if np.any(values == ""):
            raise InputError(f"{what} must be given for every track, got none for track {int(np.argmax(values == ''))}")
    duplicate = first_duplicate(video_ids, track_ids)
    if duplicate is not None:
        name = track_name(track_ids[duplicate[0]], video_ids[duplicate[0]])
        raise InputError(f"(video, track) must be unique, got {name} twice")


def check_features(features: Any) -> Floats:
    """Return the features as a C-contiguous float32 matrix, without a copy where they are one."""
    array = np.asarray(features)
    if array.dtype.kind not in "fiu":
        raise InputError(f"features must be numbers, got {array.dtype}")
    if array.ndim != 2:
        raise InputError(f"features must be 2-D (n_faces, n_features), got shape {array.shape}")
    if 0 in array.shape:
        raise InputError(f"features must hold at least one face and one number per face, got shape {array.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, dtype=np.float32, order="C")


def check_offsets(offsets: Any, n_faces: int) -> Integers:
    """Check that the offsets cut the faces into tracks of at least one face."""
    array = np.asarray(offsets)
    if array.ndim != 1 or array.dtype.kind not in "iu" or len(array) < 2:
        raise InputError(f"offsets must be 1-D (n_tracks + 1,) whole numbers, got {array.dtype} of shape {array.shape}")
    array = as_int64(array, "offsets")
    if array[0] != 0 or array[-1] != n_faces:
        raise InputError(f"offsets must run from 0 to the number of faces ({n_faces}), got {array[0]} to {array[-1]}")
    if np.any(np.diff(array) <= 0):
        track = int(np.argmax(np.diff(array) <= 0))
        raise InputError(
            f"every track must have at least one face, got {array[track]} to {array[track + 1]} for track {track}"
        )
    return array


def check_frames(frames: Any, n_faces: int) -> Integers:
    """Return the frame numbers as int64; floating-point numbers pass when they are whole."""
    array = np.asarray(frames)
    if array.shape != (n_faces,):
        raise InputError(f"frame must have one number per face ({n_faces}), got shape {array.shape}")
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2.0**53)
        if not np.all(whole):
            row = int(np.argmin(whole))
            raise InputError(f"frame must be a whole number, got {array[row]} in row {row}")
    elif array.dtype.kind not in "iu":
        raise InputError(f"frame must be whole numbers, got {array.dtype}")
    return as_int64(array, "frame")


def as_int64(array: npt.NDArray[Any], what: str) -> Integers:
    """Return whole numbers as int64; differences of two of them must not overflow either."""
    beyond = (array > LARGEST_INTEGER) | (array < -LARGEST_INTEGER)
    if np.any(beyond):
        raise InputError(f"{what} must be whole numbers from -2**62 to 2**62, got {array[beyond][0]}")
    return array.astype(np.int64)


def check_boxes(boxes: Any, n_faces: int) -> Floats:
    """Return the boxes as float32 rows of x, y, w, h."""
    array = np.asarray(boxes)
    if array.shape != (n_faces, 4) or array.dtype.kind not in "fiu":
        raise InputError(
            f"boxes must be numbers x, y, w, h per face ({n_faces}, 4), got {array.dtype} of shape {array.shape}"
        )
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype=np.float32)
    if not np.all(np.isfinite(array)):
        raise InputError(f"boxes must be finite, got {array[~np.isfinite(array)][0]} in row {_first_bad_row(array)}")
    return array


def check_finite(
    features: Floats, offsets: Integers, track_ids: Names, video_ids: Names, frames: Integers | None
) -> None:
    """Name the track and the face row of the first feature that is NaN or infinite in float32."""
    step = max(1, _CHUNK_VALUES // features.shape[1])
    for start in range(0, len(features), step):
        chunk = features[start : start + step]
        if np.all(np.isfinite(chunk)):
            continue
        row = start + _first_bad_row(chunk)
        value = features[row][~np.isfinite(features[row])][0]
        track = int(np.searchsorted(offsets, row, side="right")) - 1
        frame = "" if frames is None else f" (frame {frames[row]})"
        name = track_name(track_ids[track], video_ids[track])
        raise InputError(
            f"features must be finite in float32, got {value} in face row {row - offsets[track]}{frame} of {name}"
        )


def _first_bad_row(values: Floats) -> int:
    return int(np.argmin(np.all(np.isfinite(values), axis=1)))
