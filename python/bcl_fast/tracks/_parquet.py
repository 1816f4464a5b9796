"""Parquet with a row per face, written by row group; see ``_table.py`` for the columns."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np

from bcl_fast._utils.extras import require
from bcl_fast._utils.types import Integers
from bcl_fast.tracks._defaults import RECOGNIZER_KEY
from bcl_fast.tracks._table import BOX
from bcl_fast.tracks._track_set import TrackSet

_ROW_GROUP_BYTES = 1 << 26


def write_parquet(tracks: TrackSet, target: Path | IO[bytes]) -> None:
    """Write a row per face, in row groups of about 64 MB."""
    require("a Parquet file", "pyarrow")
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(tracks)
    text = [name for name in schema.names if schema.field(name).type == pa.string()]
    step = max(1, _ROW_GROUP_BYTES // (4 * tracks.n_features))
    rows_of_tracks = np.repeat(np.arange(tracks.n_tracks), np.diff(tracks.offsets))
    options = {"use_dictionary": text, "compression": _compression(schema), "write_page_checksum": True}
    with _opened(target) as file, pq.ParquetWriter(file, schema, **options) as writer:
        for start in range(0, tracks.n_faces, step):
            rows = slice(start, start + step)
            writer.write_batch(_batch(tracks, rows, rows_of_tracks[rows], schema))


def _opened(target: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """Open a file here: the library takes no name that is not UTF-8."""
    return target.open("wb") if isinstance(target, Path) else nullcontext(target)


def _schema(tracks: TrackSet) -> Any:
    import pyarrow as pa

    embedding = pa.field("embedding", pa.list_(pa.field("element", pa.float32(), nullable=False), tracks.n_features))
    fields = [pa.field("track_id", pa.string()), pa.field("video_id", pa.string())]
    fields += [] if tracks.frames is None else [pa.field("frame", pa.int64())]
    fields += [] if tracks.labels is None else [pa.field("label", pa.string())]
    fields += [] if tracks.boxes is None else [pa.field(name, pa.float32()) for name in BOX]
    fields += [] if tracks.images is None else [pa.field("image", pa.string())]
    metadata = None if tracks.recognizer is None else {RECOGNIZER_KEY: tracks.recognizer.encode()}
    return pa.schema([*fields, embedding], metadata)


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
        columns.update({name: tracks.boxes[rows, place] for place, name in enumerate(BOX)})
    arrays = [pa.array(columns[name], schema.field(name).type) for name in schema.names]
    return pa.record_batch(arrays, schema=schema)
