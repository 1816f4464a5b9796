"""Readers and writers of plain arrays: ``.npy`` and ``.npz``.

Nothing here unpickles: an array of Python objects is refused.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import categories
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import check_boxes, check_features, check_frames
from bcl_fast.tracks._names import as_names
from bcl_fast.tracks._rows import gathered, group_rows, one_per_track
from bcl_fast.tracks._track_set import TrackSet

_NPZ_NAMES = {
    "features": ("features", "embedding", "embeddings"),
    "offsets": ("offsets",),
    "track_id": ("track_id", "track_ids"),
    "video_id": ("video_id", "video_ids"),
    "label": ("label", "labels"),
    "frame": ("frame", "frames"),
    "boxes": ("boxes",),
    "image": ("image", "images"),
}
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0}
_MOST_DEFLATED = 1032  # bytes that one byte of a deflated file can stand for
_MOST_FIXED_WIDTH = 1 << 26  # characters
_READ_ERRORS = (
    *(ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error),
    *(SyntaxError, TypeError, tokenize.TokenError),  # an array's header is a Python literal
    *(OverflowError, MemoryError),  # a damaged header may ask for any shape
)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what NumPy and zipfile raise on a broken file into one sentence; ``what`` is wanted."""
    try:
        yield
    except InputError:
        raise
    except _READ_ERRORS as error:
        reason = one_line(error)
        if "object" in reason.lower():
            raise InputError(f"{what} of numbers or text is wanted, got Python objects (a pickle)") from None
        raise InputError(f"{what} is wanted, this one is truncated or something else ({reason})") from None


def read_npy(path: Path, video: str) -> TrackSet:
    """Map a matrix into memory; each row is a track of one face, named by its number."""
    with reading("a .npy array"):
        matrix = np.lib.format.open_memmap(path, mode="r")
    return TrackSet.from_arrays(matrix, video_ids=video)


def read_npz(path: Path, video: str) -> TrackSet:
    """Read ``features`` and, as far as they are there, ``offsets track_id video_id label frame boxes image``.

    With ``offsets`` the names (``track_id video_id label``) have one value per track. Without, they have one value per
    face and ``track_id`` says which faces belong together, adjacent or not; without both, each row is a track of one
    face. Plural names are read as well, and ``embedding(s)`` for ``features``. Other arrays are not read.

    Raises
    ------
    InputError
        If this is not an archive of plain arrays, arrays are missing, or the tracks are not valid.
    """
    if not zipfile.is_zipfile(path):
        reason = "no directory at its end"
        raise InputError(f"an .npz archive is wanted, this one is truncated or something else ({reason})")
    with reading("an .npz archive"), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        keys = _npz_keys(archive.files)
        for key in keys.values():
            _check_member(archive.zip, key, path.stat().st_size)
        arrays = {name: archive[key] for name, key in keys.items()}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(f"an array of {name} is wanted, got something else")
    arrays["features"] = check_features(arrays["features"])
    arrays.setdefault("video_id", np.array(video))
    return _from_tracks(arrays) if "offsets" in arrays or "track_id" not in arrays else _from_rows(arrays)


def _npz_keys(found: list[str]) -> dict[str, str]:
    keys = {}
    for name, spellings in _NPZ_NAMES.items():
        present = [spelling for spelling in spellings if spelling in found]
        if len(present) > 1:
            raise InputError(f"one array of {name} is wanted, got {' and '.join(map(repr, present))}")
        if present:
            keys[name] = present[0]
    if "features" not in keys:
        got = ", ".join(map(repr, found)) or "no arrays"
        raise InputError(f"an array 'features' (or 'embedding', 'embeddings') is wanted, got {got}")
    return keys


def _check_member(archive: zipfile.ZipFile, key: str, file_size: int) -> None:
    """Refuse an array whose header asks for more memory than the archive can fill, before it is allocated."""
    member = archive.getinfo(f"{key}.npy" if f"{key}.npy" in archive.namelist() else key)
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = _HEADERS.get(version, np.lib.format.read_array_header_2_0)(file)
        n_bytes = math.prod(shape) * dtype.itemsize
        if not dtype.hasobject and (min(shape, default=0) < 0 or n_bytes != member.file_size - file.tell()):
            raise ValueError(
                f"an array of shape {shape}, {dtype}, does not have {member.file_size - file.tell()} bytes"
            )
    if member.file_size > _MOST_DEFLATED * file_size:
        raise ValueError(f"a file of {file_size} bytes cannot hold {member.file_size}")


def _from_tracks(arrays: dict[str, Any]) -> TrackSet:
    """Make tracks of names that have one value per track."""
    video = arrays["video_id"]
    return TrackSet.from_arrays(
        arrays["features"],
        arrays.get("offsets"),
        track_ids=arrays.get("track_id"),
        video_ids=video if video.ndim else str(as_names(video, "video_id")[0]),
        labels=arrays.get("label"),
        frames=arrays.get("frame"),
        boxes=arrays.get("boxes"),
        images=arrays.get("image"),
    )


def _from_rows(arrays: dict[str, Any]) -> TrackSet:
    """Gather the faces of each (video, track) from rows in any order."""
    n_faces = len(arrays["features"])
    names = {
        what: _row_names(arrays[what], what, n_faces)
        for what in ("track_id", "video_id", "label", "image")
        if what in arrays
    }
    frames = check_frames(arrays["frame"], n_faces) if "frame" in arrays else None
    boxes = check_boxes(arrays["boxes"], n_faces) if "boxes" in arrays else None
    grouping = group_rows(categories(names["video_id"]), categories(names["track_id"]), frames)
    return TrackSet.from_arrays(
        gathered(arrays["features"], grouping),
        grouping.offsets,
        track_ids=grouping.track_ids,
        video_ids=grouping.video_ids,
        labels=one_per_track(categories(names["label"]), "label", grouping) if "label" in names else None,
        frames=None if frames is None else gathered(frames, grouping),
        boxes=None if boxes is None else gathered(boxes, grouping),
        images=gathered(names["image"], grouping) if "image" in names else None,
    )


def _row_names(array: Any, what: str, n_faces: int) -> Names:
    values = as_names(array, what)
    if what == "video_id" and array.ndim == 0:
        return np.repeat(values, n_faces)
    if len(values) != n_faces:
        raise InputError(
            f"{what} must have one value per face ({n_faces}) where there are no offsets, got {len(values)}"
        )
    return values


def write_npz(tracks: TrackSet, target: Path) -> None:
    """Write the arrays that :func:`read_npz` reads, names one per track."""
    arrays: dict[str, Any] = {
        "features": tracks.features,
        "offsets": tracks.offsets,
        "track_id": tracks.track_ids,
        "video_id": tracks.video_ids,
        "label": tracks.labels,
        "frame": tracks.frames,
        "boxes": tracks.boxes,
        "image": tracks.images,
    }
    kept = {name: array for name, array in arrays.items() if array is not None}
    plain: dict[str, Any] = {
        name: _fixed_width(array, name) if array.dtype == object else array for name, array in kept.items()
    }
    np.savez(target, **plain)


def _fixed_width(names: Names, what: str) -> npt.NDArray[np.str_]:
    """Return names as NumPy's text, which gives each the length of the longest and ends before trailing zeros."""
    longest = max(map(len, names), default=0)
    if longest * len(names) > _MOST_FIXED_WIDTH and longest * len(names) > 16 * sum(map(len, names)):
        wanted = f"names of up to {longest:,} characters would take {4e-9 * longest * len(names):.1f} GB as {what}"
        raise InputError(f"{wanted} of an .npz file, which gives all the length of the longest: write .parquet")
    if any(name.endswith("\0") for name in names):
        raise InputError(f"{what} of an .npz file cannot end in a zero byte: write .parquet")
    return names.astype(np.str_)
