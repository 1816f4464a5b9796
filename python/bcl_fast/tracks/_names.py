"""Names of tracks, videos and identities as text.

Text, bytes in UTF-8, UUIDs and whole numbers (of any type, ``3.0`` too) are names. What is missing (``None``, NaN,
``pandas.NA``, an empty text) is ``""`` until the caller has decided what that means.
"""

from __future__ import annotations

import numbers
import os
from typing import Any
from uuid import UUID

import numpy as np

from bcl_fast._utils.codes import categories, is_missing
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Names
from bcl_fast.errors import InputError

LARGEST_FLOAT = 2.0**53  # beyond it, floating-point numbers skip whole ones


def as_names(values: Any, what: str) -> Names:
    """Turn values that name things into a 1-D array of text; missing ones become ``""``."""
    # NumPy would cut zeros off the ends of texts in a list
    array = np.atleast_1d(np.asarray(values) if hasattr(values, "__array__") else np.array(values, dtype=object))
    if array.ndim != 1:
        raise InputError(f"{what} must be 1-D, got shape {array.shape}")
    if array.dtype.kind not in "UTSOiuf":
        raise InputError(f"{what} must be text or whole numbers, got {array.dtype}")
    if array.dtype.kind == "f" and not np.all(_is_whole(array)):
        raise InputError(f"{what} must be text or whole numbers, got {array.dtype} ({array[~_is_whole(array)][0]})")
    try:
        return np.array([_as_name(value, what) for value in array.tolist()], dtype=object)
    except InputError:
        raise
    except (ValueError, ArithmeticError) as error:  # infinity, a number of too many digits, code points that are none
        raise InputError(f"{what} must be text or whole numbers ({error})") from None


def _is_whole(array: Any) -> Any:
    with np.errstate(invalid="ignore"):
        return np.isnan(array) | ((array == np.floor(array)) & (np.abs(array) <= LARGEST_FLOAT))


def _as_name(value: object, what: str) -> str:
    if type(value) is str and value.isascii():
        return value
    if is_missing(value):
        return ""
    if isinstance(value, bytes | str):
        return _as_text(value, what)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, numbers.Number) and not isinstance(value, bool | np.bool_ | complex):
        whole = int(value)  # type: ignore[call-overload]
        if whole == value and (abs(whole) <= LARGEST_FLOAT or isinstance(value, int | np.integer)):
            return str(whole)
    raise InputError(f"{what} must be text or whole numbers, got {one_line(repr(value))}")


def _as_text(value: bytes | str, what: str) -> str:
    """Decode bytes; text that UTF-8 cannot hold, halves of surrogate pairs, is no name either."""
    try:
        return (value if isinstance(value, bytes) else value.encode()).decode()
    except UnicodeError as error:
        raise InputError(f"{what} must be UTF-8 text, got {one_line(repr(value))} ({error.reason})") from None  # type: ignore[attr-defined]


def name_of_path(name: str) -> str:
    """Return a file's or folder's name as text that every format can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def track_name(track_id: object, video_id: object) -> str:
    """Name a track in a message."""
    return f"track {one_line(repr(str(track_id)))} of video {one_line(repr(str(video_id)))}"


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
