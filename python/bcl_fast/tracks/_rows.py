"""From a table with a row per face to tracks: rows of one (video, track) together, in order of frames."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import Categories, categories
from bcl_fast._utils.types import Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import track_name


class Grouping(NamedTuple):
    """Where the rows of a table go.

    Row ``order[j]`` of the table is face ``j`` of the tracks (None: the table is in order already); the faces of track
    ``t`` are ``offsets[t]:offsets[t + 1]``.
    """

    order: Integers | None
    offsets: Integers
    track_ids: Names
    video_ids: Names


def group_rows(videos: Categories, tracks: Categories, frames: Integers | None) -> Grouping:
    """Gather the rows of each (video, track).

    Tracks come in order of first appearance, the faces of a track by frame, and in the table's order where frames are
    equal or not there.

    Raises
    ------
    InputError
        If a row has no track or no video.
    """
    for what, column in (("track_id", tracks), ("video_id", videos)):
        if np.any(column.codes < 0):
            raise InputError(f"{what} must be given in every row, got none in row {int(np.argmax(column.codes < 0))}")
    groups = categories(videos.codes * len(tracks.names) + tracks.codes)
    order = np.argsort(groups.codes, kind="stable") if frames is None else np.lexsort((frames, groups.codes))
    in_order = bool(np.all(order[1:] > order[:-1]))
    video_codes, track_codes = np.divmod(groups.names, len(tracks.names))
    return Grouping(
        None if in_order else order,
        np.append(0, np.cumsum(np.bincount(groups.codes))).astype(np.int64),
        tracks.names[track_codes],
        videos.names[video_codes],
    )


def gathered(values: npt.NDArray[Any], grouping: Grouping) -> npt.NDArray[Any]:
    """Bring one value per row into the order of the faces."""
    return values if grouping.order is None else values[grouping.order]


def one_per_track(column: Categories, what: str, grouping: Grouping) -> Names | None:
    """Reduce one name per row to one per track, the one that any of its rows has; None when every row lacks it.

    Raises
    ------
    InputError
        If a track has two names.
    """
    if np.all(column.codes < 0):
        return None
    codes = gathered(column.codes, grouping)
    high = np.maximum.reduceat(codes, grouping.offsets[:-1])
    low = np.minimum.reduceat(np.where(codes < 0, len(column.names), codes), grouping.offsets[:-1])
    differ = low < high
    if np.any(differ):
        track = int(np.argmax(differ))
        both = f"{str(column.names[low[track]])!r} and {str(column.names[high[track]])!r}"
        raise InputError(f"{what} must be the same in all rows of a track, got {both} in {_name(grouping, track)}")
    return np.append(column.names, "")[high]  # -1 is the last


def _name(grouping: Grouping, track: int) -> str:
    return track_name(grouping.track_ids[track], grouping.video_ids[track])
