"""Parquet with a row per face: read column by column and batch by batch, written by row group.

Columns: ``track_id``, ``embedding`` (a list of n_features numbers, of fixed or variable size), and optionally
``video_id``, ``frame``, ``label``, ``x`` ``y`` ``w`` ``h``, ``image``; a column of nulls counts as not there. Other
columns are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from bcl_fast._utils.codes import Categories
from bcl_fast._utils.types import Floats, Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import check_frames
from bcl_fast.tracks._names import as_names
from bcl_fast.tracks._rows import gathered, group_rows, one_per_track
from bcl_fast.tracks._track_set import TrackSet

_REQUIRED = ("track_id", "embedding")
_BOX = ("x", "y", "w", "h")
_OPTIONAL = ("video_id", "frame", "label", *_BOX, "image")
_BATCH_BYTES = 1 << 24
_ROW_GROUP_BYTES = 1 << 26
# Without pre_buffer, even a row group that holds the whole file is read piece by piece.
_READING: dict[str, Any] = {"buffer_size": 1 << 20, "pre_buffer": False, "page_checksum_verification": True}


def read_parquet(source: Path | IO[bytes], video: str) -> TrackSet:
    """Read tracks; the short columns first, then the embeddings in batches, each row straight to its place.

    Parameters
    ----------
    source : path or seekable binary file
    video : str
        Name of the video where there is no ``video_id``.

    Raises
    ------
    InputError
        If this is not Parquet, or columns are missing or of the wrong kind, or the tracks are not valid.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source, **_READING) as file:
            return _read(file, video)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise InputError(f"a Parquet file is wanted, this one is truncated or something else ({reason})") from None


def _read(file: Any, video: str) -> TrackSet:
    columns = _check_columns(file)
    table = file.read(columns=[name for name in columns if name != "embedding"])
    frames = _frames(table)
    videos = _names(table, "video_id")
    if videos is None or len(videos.names) == 0:
        videos = Categories(np.zeros(len(table), np.int64), np.array([video], dtype=object))
    tracks = _names(table, "track_id")
    labels = _names(table, "label")
    assert tracks is not None
    grouping = group_rows(videos, tracks, frames)
    boxes, images = _boxes(table), _images(table)
    return TrackSet.from_arrays(
        _embeddings(file, grouping.order),
        grouping.offsets,
        track_ids=grouping.track_ids,
        video_ids=grouping.video_ids,
        labels=None if labels is None else one_per_track(labels, "label", grouping),
        frames=None if frames is None else gathered(frames, grouping),
        boxes=None if boxes is None else gathered(boxes, grouping),
        images=None if images is None else gathered(images, grouping),
    )


def _check_columns(file: Any) -> list[str]:
    found = file.schema_arrow.names
    missing = [name for name in _REQUIRED if name not in found]
    boxes = [name for name in _BOX if name in found]
    if boxes and len(boxes) < len(_BOX):
        missing += [name for name in _BOX if name not in found]
    if missing:
        raise InputError(f"columns {_listed(missing)} are missing, got {_listed(found) or 'no columns'}")
    if file.metadata.num_rows == 0:
        raise InputError("at least one face is wanted, got a Parquet file with 0 rows")
    return [name for name in (*_REQUIRED, *_OPTIONAL) if name in found]


def _names(table: Any, what: str) -> Categories | None:
    """Encode a column of text or whole numbers; Arrow's dictionaries are in order of first appearance."""
    import pyarrow as pa

    if what not in table.column_names:
        return None
    column = table.column(what)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = str(column.type).removeprefix("large_").removesuffix("_view")
    if kind not in ("string", "binary", "null") and not pa.types.is_integer(column.type):
        raise InputError(f"column {what!r} must be text or whole numbers, got {column.type}")
    encoded = column.cast(column.type if pa.types.is_integer(column.type) else pa.large_string())
    encoded = encoded.dictionary_encode().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    names = as_names(np.array(encoded.dictionary.to_pylist(), dtype=object), what)
    codes[np.isin(codes, np.flatnonzero(names == ""))] = -1
    return Categories(codes, names)


def _numbers(table: Any, what: str) -> Any | None:
    """Take a column of numbers as a NumPy array; None when it is missing or all null."""
    import pyarrow as pa

    if what not in table.column_names or table.column(what).null_count == len(table):
        return None
    column = table.column(what)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise InputError(f"column {what!r} must be numbers, got {column.type}")
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy()))
        raise InputError(f"column {what!r} must be given in every row or in none, got none in row {row}")
    return column.to_numpy()


def _frames(table: Any) -> Integers | None:
    frames = _numbers(table, "frame")
    return None if frames is None else check_frames(frames, len(table))


def _boxes(table: Any) -> Floats | None:
    columns = [_numbers(table, name) for name in _BOX]
    if all(column is None for column in columns):
        return None
    for name, column in zip(_BOX, columns, strict=True):
        if column is None:
            raise InputError(f"columns 'x', 'y', 'w', 'h' must be given together, got none in {name!r}")
    with np.errstate(over="ignore"):
        return np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)


def _images(table: Any) -> Names | None:
    images = _names(table, "image")
    if images is None or len(images.names) == 0:
        return None
    return np.append(images.names, "")[images.codes]


def _embeddings(file: Any, order: Integers | None) -> Floats:
    """Fill the (n_faces, n_features) matrix batch by batch; beside it, one batch is in memory."""
    n_faces = file.metadata.num_rows
    places = None
    if order is not None:
        places = np.empty(n_faces, np.int64)
        places[order] = np.arange(n_faces)
    matrix: Floats | None = None
    start = 0
    for block in _blocks(file):
        if matrix is None:
            matrix = np.empty((n_faces, block.shape[1]), np.float32)
        if block.shape[1] != matrix.shape[1]:
            raise InputError(_ragged(matrix.shape[1], block.shape[1], start))
        rows = slice(start, start + len(block)) if places is None else places[start : start + len(block)]
        with np.errstate(over="ignore"):
            matrix[rows] = block
        start += len(block)
    assert matrix is not None
    return matrix


def _blocks(file: Any) -> Iterator[Any]:
    import pyarrow as pa

    kind = file.schema_arrow.field("embedding").type
    is_list = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not is_list or not (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise InputError(f"column 'embedding' must be a list of numbers in every row, got {kind}")
    start = 0
    for group in range(file.metadata.num_row_groups):  # all groups in one call would be kept in memory together
        for batch in file.iter_batches(_batch_rows(file), row_groups=[group], columns=["embedding"]):
            if len(batch):
                yield _block(batch.column(0), start)
            start += len(batch)


def _batch_rows(file: Any) -> int:
    """Choose the number of rows of a batch by the size of the embeddings, before any is read."""
    groups = (file.metadata.row_group(number) for number in range(file.metadata.num_row_groups))
    n_bytes = sum(group.total_byte_size for group in groups)
    return int(np.clip(_BATCH_BYTES * file.metadata.num_rows // max(1, n_bytes), 256, 1 << 16))


def _block(column: Any, start: int) -> Any:
    """Turn lists into rows of a matrix; ``start`` is the number of the first row, for messages."""
    import pyarrow.compute as pc

    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise InputError(f"column 'embedding' must be given in every row, got null in row {row}")
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    if np.any(lengths != lengths[0]):
        other = int(np.argmax(lengths != lengths[0]))
        raise InputError(_ragged(lengths[0], lengths[other], start + other))
    values = column.flatten()
    if values.null_count:
        row = start + int(np.argmax(values.is_null().to_numpy(zero_copy_only=False))) // int(lengths[0])
        raise InputError(f"column 'embedding' must hold numbers, got null inside row {row}")
    return values.to_numpy(zero_copy_only=False).reshape(len(column), int(lengths[0]))


def _ragged(wanted: int, got: int, row: int) -> str:
    return f"column 'embedding' must have as many numbers in every row, got {wanted} in row 0 and {got} in row {row}"


def write_parquet(tracks: TrackSet, target: Path | IO[bytes]) -> None:
    """Write a row per face, in row groups of about 64 MB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(tracks)
    text = [name for name in schema.names if schema.field(name).type == pa.string()]
    step = max(1, _ROW_GROUP_BYTES // (4 * tracks.n_features))
    rows_of_tracks = np.repeat(np.arange(tracks.n_tracks), np.diff(tracks.offsets))
    options = {"use_dictionary": text, "compression": _compression(schema), "write_page_checksum": True}
    with pq.ParquetWriter(target, schema, **options) as writer:
        for start in range(0, tracks.n_faces, step):
            rows = slice(start, start + step)
            writer.write_batch(_batch(tracks, rows, rows_of_tracks[rows], schema))


def _schema(tracks: TrackSet) -> Any:
    import pyarrow as pa

    embedding = pa.field("embedding", pa.list_(pa.field("element", pa.float32(), nullable=False), tracks.n_features))
    fields = [pa.field("track_id", pa.string()), pa.field("video_id", pa.string())]
    fields += [] if tracks.frames is None else [pa.field("frame", pa.int64())]
    fields += [] if tracks.labels is None else [pa.field("label", pa.string())]
    fields += [] if tracks.boxes is None else [pa.field(name, pa.float32()) for name in _BOX]
    fields += [] if tracks.images is None else [pa.field("image", pa.string())]
    return pa.schema([*fields, embedding])


def _compression(schema: Any) -> dict[str, str]:
    """Embeddings look like noise to a compressor: they are stored as they are, and read faster."""
    columns = {name: "SNAPPY" for name in schema.names if name != "embedding"}
    return {**columns, "embedding.list.element": "NONE"}


def _batch(tracks: TrackSet, rows: slice, owners: Integers, schema: Any) -> Any:
    import pyarrow as pa

    block = np.ascontiguousarray(tracks.features[rows])
    columns = {
        "track_id": tracks.track_ids[owners],
        "video_id": tracks.video_ids[owners],
        "frame": None if tracks.frames is None else tracks.frames[rows],
        "label": None if tracks.labels is None else tracks.labels[owners],
        "image": None if tracks.images is None else tracks.images[rows],
        "embedding": pa.FixedSizeListArray.from_arrays(
            pa.array(block.reshape(-1)), type=schema.field("embedding").type
        ),
    }
    if tracks.boxes is not None:
        columns.update({name: tracks.boxes[rows, place] for place, name in enumerate(_BOX)})
    arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names]
    return pa.record_batch(arrays, schema=schema)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
