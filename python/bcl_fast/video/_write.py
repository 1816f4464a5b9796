"""The tracks of all films in one Parquet file, row group after row group."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.files import atomic_output
from bcl_fast.tracks import RECOGNIZER_KEY
from bcl_fast.video._tracks_of_parts import TracksOfParts
from bcl_fast.video._work_folder import part_schema

EXTRACTION_KEY = b"bcl_fast.extraction"  # of the options, in a file's metadata
_ROWS = 1 << 14  # of a row group
_COPIED = ("frame", "seconds", "x", "y", "w", "h", "score", "quality", "image")


class FilmParts(NamedTuple):
    """A film's name, its parts and what becomes of them."""

    video: str
    parts: list[Path]
    tracks: TracksOfParts


def write_films(
    films: list[FilmParts], output: Path, *, recognizer: str, n_features: int, options: dict[str, Any], force: bool
) -> None:
    """Write a row per face; the bytes hang on the films and the options alone."""
    import pyarrow.parquet as pq

    schema = _schema(n_features).with_metadata(
        {RECOGNIZER_KEY: recognizer.encode(), EXTRACTION_KEY: json.dumps(options, sort_keys=True).encode()}
    )
    text = ["track_id", "video_id", "image"]
    with (
        atomic_output(output, force=force) as temporary,
        temporary.open("wb") as file,
        pq.ParquetWriter(file, schema, use_dictionary=text, compression="zstd", write_page_checksum=True) as writer,
    ):
        for film in films:
            for batch in _rows(film, schema):
                writer.write_table(batch)


def _schema(n_features: int) -> Any:
    import pyarrow as pa

    part = part_schema()
    embedding = pa.list_(pa.field("element", pa.float32(), nullable=False), n_features)
    names = [pa.field("track_id", pa.string()), pa.field("video_id", pa.string())]
    return pa.schema([*names, *(part.field(name) for name in _COPIED), pa.field("embedding", embedding)])


def _rows(film: FilmParts, schema: Any) -> Iterator[Any]:
    """Yield the rows of tracks that are kept, each with the embedding of its segment."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for part in film.parts:
        with part.open("rb") as file:
            table = pq.read_table(file, columns=["track", "segment", *_COPIED])
        for start in range(0, len(table), _ROWS):
            rows = table.slice(start, _ROWS)
            places = film.tracks.places({name: rows.column(name).to_numpy() for name in ("track", "segment")})
            kept = film.tracks.tracks[places] > 0
            rows, places = rows.filter(pa.array(kept)), places[kept]
            if len(rows) == 0:
                continue
            values = pa.array(np.ascontiguousarray(film.tracks.embeddings[places]).reshape(-1))
            columns = {
                "track_id": pa.array(film.tracks.tracks[places].astype(str)),
                "video_id": pa.array([film.video] * len(rows), pa.string()),
                **{name: rows.column(name) for name in _COPIED},
                "embedding": pa.FixedSizeListArray.from_arrays(values, type=schema.field("embedding").type),
            }
            yield pa.table([columns[name] for name in schema.names], schema=schema)
