"""From tables with a row per face to tracks: short columns first, then the embeddings, each row straight to its place.

Columns: ``track_id``; ``embedding``, a list of n_features numbers (a list of any kind, a tensor, JSON text, or the
bytes of float32 numbers), or numbered columns of numbers such as ``f0`` to ``f127``; and optionally ``video_id``,
``frame``, ``label``, ``x`` ``y`` ``w`` ``h``, ``image``. A column of nulls counts as not there. Other columns are not
read. The metadata of a file may say which network made the embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.codes import Categories, categories
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Floats, Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import check_frames
from bcl_fast.tracks._columns import (
    check_embedding_type,
    embedding_block,
    embedding_columns,
    name_column,
    number_column,
    ragged,
)
from bcl_fast.tracks._concatenate import joined
from bcl_fast.tracks._defaults import RECOGNIZER_KEY
from bcl_fast.tracks._recognizers import same_recognizer
from bcl_fast.tracks._rows import gathered, group_rows, one_per_track
from bcl_fast.tracks._sources import NAMES, Source, check_plausible
from bcl_fast.tracks._track_set import TrackSet

_REQUIRED = ("track_id", "embedding")
BOX = ("x", "y", "w", "h")
_OPTIONAL = ("video_id", "frame", "label", *BOX, "image")


class Part(NamedTuple):
    """A table, or one of several that are read as one.

    ``video`` is the name of its video where nothing else says it; ``keys`` are columns that its folders name, as in
    ``video_id=ep1``.
    """

    source: Source
    video: str
    keys: Mapping[str, str] = {}


class _Columns(NamedTuple):
    """Columns of a part but for the embeddings."""

    track_id: Categories
    video_id: Categories
    label: Categories | None
    image: Categories | None
    frames: Integers | None
    boxes: Floats | None
    is_named: bool  # whether something but its file says what the video is


def read_parts(parts: Sequence[Part]) -> tuple[TrackSet, list[bool]]:
    """Read tracks from tables, and whether each of them says which videos they are from.

    Raises
    ------
    InputError
        If columns are missing or of the wrong kind, or the tracks are not valid.
    """
    wanted = [_check_columns(part) for part in parts]
    short = [_short_columns(part) for part in parts]
    columns = short[0] if len(short) == 1 else _joined(short)
    grouping = group_rows(columns.video_id, columns.track_id, columns.frames)
    images = None
    if columns.image is not None and len(columns.image.names):
        images = _texts(columns.image)
    tracks = TrackSet.from_arrays(
        _embeddings(parts, wanted, grouping.order, len(columns.track_id.codes)),
        grouping.offsets,
        track_ids=grouping.track_ids,
        video_ids=grouping.video_ids,
        labels=None if columns.label is None else one_per_track(columns.label, "label", grouping),
        frames=None if columns.frames is None else gathered(columns.frames, grouping),
        boxes=None if columns.boxes is None else gathered(columns.boxes, grouping),
        images=None if images is None else gathered(images, grouping),
        recognizer=same_recognizer([_recognizer(part) for part in parts], [f"the file of {p.video}" for p in parts]),
    )
    return tracks, [part.is_named for part in short]


def _recognizer(part: Part) -> str | None:
    said = (part.source.schema.metadata or {}).get(RECOGNIZER_KEY)
    return None if said is None else said.decode(errors="replace")


def _check_columns(part: Part) -> list[str]:
    """Return the columns of the embeddings, when all that is wanted is there once."""
    found = [*part.source.schema.names, *part.keys]
    for name in (*_REQUIRED, *_OPTIONAL):
        if part.source.schema.names.count(name) > 1:
            raise InputError(f"one column {name!r} is wanted, got {found.count(name)} of that name")
    embedding = embedding_columns(part.source.schema)
    missing = [name for name in _REQUIRED if name not in found and not (name == "embedding" and embedding)]
    boxes = [name for name in BOX if name in found]
    if boxes and len(boxes) < len(BOX):
        missing += [name for name in BOX if name not in found]
    if missing:
        raise InputError(f"columns {listed(missing)} are missing, got {listed(found) or 'no columns'}")
    check_embedding_type(part.source.schema, embedding)
    return embedding


def listed(names: Sequence[str]) -> str:
    """Put names after each other; of very many, the first."""
    shown = ", ".join(one_line(repr(name)) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


def _short_columns(part: Part) -> _Columns:
    source = part.source
    present = [name for name in ("track_id", *_OPTIONAL) if name in source.schema.names]
    table = source.table(present)
    if len(table) == 0:
        raise InputError(f"at least one face is wanted, got a {source.kind} with 0 rows")
    names: dict[str, Categories | None] = {}
    for what in NAMES:
        column = name_column(table.column(what), what) if what in present else None
        if (column is None or np.all(column.codes < 0)) and what in part.keys:
            column = _constant(part.keys[what], len(table))
        names[what] = column
    videos, tracks = names["video_id"], names["track_id"]
    assert tracks is not None
    is_named = videos is not None and bool(np.any(videos.codes >= 0))
    if videos is None or not is_named:
        videos = _constant(part.video, len(table))
    frames = number_column(table.column("frame"), "frame") if "frame" in present else None
    return _Columns(
        tracks,
        videos,
        names["label"],
        names["image"],
        None if frames is None else check_frames(frames, len(table)),
        _boxes(table) if "x" in present else None,
        is_named,
    )


def _constant(name: str, n_rows: int) -> Categories:
    return Categories(np.zeros(n_rows, np.int64), np.array([name], dtype=object))


def _boxes(table: Any) -> Floats | None:
    columns = [number_column(table.column(name), name) for name in BOX]
    if all(column is None for column in columns):
        return None
    for name, column in zip(BOX, columns, strict=True):
        if column is None:
            raise InputError(f"columns 'x', 'y', 'w', 'h' must be given together, got none in {name!r}")
    with np.errstate(over="ignore"):
        return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


def _texts(column: Categories) -> Names:
    return np.append(column.names, "")[column.codes]  # -1 is the last


def _joined(parts: list[_Columns]) -> _Columns:
    """Put the rows of parts after each other; a part without labels or images has empty ones."""
    names: dict[str, Categories | None] = {}
    for what in NAMES:
        columns: list[Categories | None] = [getattr(part, what) for part in parts]
        sizes = [len(part.track_id.codes) for part in parts]
        if all(column is None for column in columns):
            names[what] = None
            continue
        texts = [
            np.full(size, "", dtype=object) if column is None else _texts(column)
            for size, column in zip(sizes, columns, strict=True)
        ]
        names[what] = categories(np.concatenate(texts))
    numbers = {
        what: joined([getattr(part, what) for part in parts], what, "files", stacklevel=5)
        for what in ("frames", "boxes")
    }
    return _Columns(**names, **numbers, is_named=True)  # type: ignore[arg-type]


def _embeddings(parts: Sequence[Part], wanted: list[list[str]], order: Integers | None, n_faces: int) -> Floats:
    """Fill the (n_faces, n_features) matrix batch by batch; beside it, one batch is in memory."""
    places = None
    if order is not None:
        places = np.empty(n_faces, np.int64)
        places[order] = np.arange(n_faces)
    n_bytes = [part.source.n_bytes for part in parts]
    matrix: Floats | None = None
    start = 0
    for block in _blocks(parts, wanted):
        if matrix is None:
            if None not in n_bytes:
                check_plausible(4 * n_faces * block.shape[1], sum(size or 0 for size in n_bytes))
            matrix = np.empty((n_faces, block.shape[1]), np.float32)
        if block.shape[1] != matrix.shape[1]:
            raise InputError(ragged(matrix.shape[1], block.shape[1], start))
        if start + len(block) > n_faces:
            break
        rows = slice(start, start + len(block)) if places is None else places[start : start + len(block)]
        with np.errstate(over="ignore", invalid="ignore"):
            matrix[rows] = block
        start += len(block)
    if matrix is None or start != n_faces:
        raise InputError(f"every row must have an embedding, got {n_faces} rows and another number of embeddings")
    return matrix


def _blocks(parts: Sequence[Part], wanted: list[list[str]]) -> Iterator[Any]:
    start = 0
    for part, columns in zip(parts, wanted, strict=True):
        for batch in part.source.batches(columns):
            if len(batch):
                yield embedding_block(batch, columns, start)
            start += len(batch)
