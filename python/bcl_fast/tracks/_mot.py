"""Reader of what multi-object trackers write: the text files of the MOT challenge, with embeddings beside them.

A line per box, ``frame,id,x,y,w,h[,conf,...]``, separated by commas or spaces; what follows the height is not read. The
embedding of the k-th line is the k-th row of the ``.npy`` file of the same name: ``cam1.txt`` and ``cam1.npy``.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import categories
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import check_boxes, check_features, check_frames
from bcl_fast.tracks._names import as_names
from bcl_fast.tracks._numpy import reading
from bcl_fast.tracks._rows import gathered, group_rows
from bcl_fast.tracks._track_set import TrackSet

MOT_SUFFIX = ".txt"
_COLUMNS = 6
_SEPARATORS = re.compile(r"[,\s]+")


def embeddings_beside(path: Path) -> Path:
    """Return where the embeddings of a file of boxes are wanted."""
    return path.with_suffix(".npy")


def read_mot(path: Path, video: str) -> TrackSet:
    """Read boxes and their embeddings; a line is a face.

    Raises
    ------
    InputError
        If a line is not of that form, a box has no track (an id below 0, as detections have), there are no embeddings
        beside the file, or not one per line.
    """
    numbers = _lines(path)
    frames = check_frames(numbers[:, 0], len(numbers))
    if np.any(numbers[:, 1] < 0):
        line = 1 + int(np.argmax(numbers[:, 1] < 0))
        raise InputError(
            f"every box must have the id of a track, 0 or more, got {numbers[line - 1, 1]:g} in line {line}"
        )
    videos = categories(np.full(len(numbers), video, dtype=object))
    grouping = group_rows(videos, categories(as_names(numbers[:, 1], "id")), frames)
    features = _embeddings(embeddings_beside(path), len(numbers))
    return TrackSet.from_arrays(
        gathered(features, grouping),
        grouping.offsets,
        track_ids=grouping.track_ids,
        video_ids=grouping.video_ids,
        frames=gathered(frames, grouping),
        boxes=gathered(check_boxes(numbers[:, 2:], len(numbers)), grouping),
    )


def _lines(path: Path) -> npt.NDArray[np.float64]:
    """Read the first six numbers of each line."""
    rows = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_numbers(line, number))
    except UnicodeDecodeError as error:
        raise InputError(f"a text file of boxes is wanted, got one that is not UTF-8 ({one_line(error)})") from None
    if not rows:
        raise InputError("at least one box is wanted, got a file without any")
    return np.array(rows, np.float64)


def _numbers(line: str, number: int) -> list[float]:
    parts = [part for part in _SEPARATORS.split(line.strip()) if part][:_COLUMNS]
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) < _COLUMNS or not np.all(np.isfinite(values)):
        wanted = "frame,id,x,y,w,h"
        raise InputError(f"every line must begin with {wanted}, numbers, got {one_line(line)!r} in line {number}")
    return values


def _embeddings(path: Path, n_lines: int) -> npt.NDArray[np.float32]:
    if not path.is_file():
        raise InputError(f"the embeddings of the boxes are wanted in {path}, a row per line, and there is no such file")
    with reading(f"in {path.name} a .npy array"), path.open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    features = check_features(array)
    if len(features) != n_lines:
        raise InputError(f"every line must have a row in {path.name}, got {n_lines} lines and {len(features)} rows")
    return features
