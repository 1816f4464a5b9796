"""Tables with a row per face, read column by column and batch by batch: Parquet, Arrow IPC (Feather), CSV, in memory.

Nothing of a damaged file is believed that its size rules out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bcl_fast._utils.extras import require
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError

NAMES = ("track_id", "video_id", "label", "image")
_BATCH_BYTES = 1 << 24
_SMALL = 1 << 26  # bytes that any file may ask for
_MOST_PACKED = 1000  # bytes that one byte of a file may stand for, beyond that
# Files are mapped, not read: a damaged size of a page then takes no memory, it ends where the file does. Without
# pre_buffer, even a row group that holds the whole file is decoded piece by piece.
_READING: dict[str, Any] = {"pre_buffer": False, "page_checksum_verification": True}


class Source(Protocol):
    """A table of which some columns are wanted."""

    kind: str  # what it is called in messages
    schema: Any  # pyarrow.Schema

    @property
    def n_bytes(self) -> int | None:
        """Size of the file; None in memory."""

    def table(self, columns: Sequence[str]) -> Any:
        """Read columns as a ``pyarrow.Table``."""

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Read columns as ``pyarrow.RecordBatch``, one after the other."""


class TableSource:
    """A table in memory, or a CSV file that was read."""

    def __init__(self, table: Any, kind: str = "table", n_bytes: int | None = None) -> None:
        self._table = table
        self.kind, self.schema, self.n_bytes = kind, table.schema, n_bytes

    def table(self, columns: Sequence[str]) -> Any:
        return self._table.select(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        yield from self._table.select(columns).to_batches(1 << 16)


class ParquetSource:
    """A Parquet file; the columns of a row group are read in batches of some megabytes."""

    kind = "Parquet file"

    def __init__(self, file: Any, n_bytes: int) -> None:
        self._file = file
        self.schema, self.n_bytes = file.schema_arrow, n_bytes
        metadata = file.metadata
        self._group_bytes = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
        if min(self._group_bytes, default=0) < 0 or metadata.num_rows < 0:
            raise InputError("a Parquet file is wanted, this one is damaged (sizes below 0)")
        check_plausible(sum(self._group_bytes), n_bytes)
        check_plausible(4 * metadata.num_rows, n_bytes)

    def table(self, columns: Sequence[str]) -> Any:
        return self._file.read(columns=list(columns))

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        metadata = self._file.metadata
        n_rows = int(np.clip(_BATCH_BYTES * metadata.num_rows // max(1, sum(self._group_bytes)), 256, 1 << 16))
        for group in range(metadata.num_row_groups):  # all groups in one call would be kept in memory together
            yield from self._file.iter_batches(n_rows, row_groups=[group], columns=list(columns))


class IpcSource:
    """An Arrow IPC file, which Feather is; what does not hold together is refused before it is looked at."""

    kind = "Arrow file"

    def __init__(self, file: Any, n_bytes: int) -> None:
        import pyarrow as pa

        self._file = file
        self.schema, self.n_bytes = pa.ipc.open_file(file).schema, n_bytes

    def table(self, columns: Sequence[str]) -> Any:
        import pyarrow as pa

        fields = [field for field in self.schema if field.name in columns]
        return pa.Table.from_batches(list(self.batches(columns)), pa.schema(fields)).select(columns)

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        import pyarrow as pa

        wanted = [place for place, name in enumerate(self.schema.names) if name in columns]
        reader = pa.ipc.open_file(self._file, options=pa.ipc.IpcReadOptions(included_fields=wanted))
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            batch.validate(full=True)
            yield batch


def check_plausible(wanted: int, n_bytes: int | None) -> None:
    """Refuse to take memory that a file of so many bytes cannot fill."""
    if n_bytes is not None and wanted > _SMALL + _MOST_PACKED * n_bytes:
        raise InputError(f"a file of {n_bytes:,} bytes cannot hold {wanted / 1e9:,.1f} GB: it is damaged")


@contextmanager
def open_source(path: Path, suffix: str) -> Iterator[Source]:
    """Open a file of rows.

    Parameters
    ----------
    path : Path
    suffix : str
        ``.parquet``, ``.feather``, ``.arrow``, ``.ipc``, ``.csv`` or ``.tsv``.

    Raises
    ------
    InputError
        If it is something else; also where reading it fails inside the ``with`` block.
    """
    kind = _KINDS[suffix]
    require(kind, "pyarrow")
    import pyarrow as pa

    try:
        with _opened(path, suffix) as opened:
            yield opened
    except pa.ArrowMemoryError as error:
        raise InputError(f"{kind} is wanted that fits into memory, this one does not ({one_line(error)})") from None
    except InputError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = one_line(error)
        raise InputError(f"{kind} is wanted, this one is truncated or something else ({reason})") from None


_KINDS = {
    ".parquet": "a Parquet file",
    **dict.fromkeys((".feather", ".arrow", ".ipc"), "an Arrow IPC file (Feather)"),
    **dict.fromkeys((".csv", ".tsv"), "a CSV file in UTF-8"),
}
TABLE_SUFFIXES = tuple(_KINDS)


@contextmanager
def _opened(path: Path, suffix: str) -> Iterator[Source]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_bytes = path.stat().st_size
    with pa.memory_map(os.fsencode(path)) as mapped:
        if suffix == ".parquet":
            with pq.ParquetFile(mapped, **_READING) as file:
                yield ParquetSource(file, n_bytes)
        elif suffix in (".csv", ".tsv"):
            yield TableSource(_read_csv(mapped, "," if suffix == ".csv" else "\t"), "CSV file", n_bytes)
        else:
            yield IpcSource(mapped, n_bytes)


def _read_csv(file: Any, delimiter: str) -> Any:
    """Read CSV; names stay the text that they are (``0007``), everything else becomes numbers where it can.

    Where all names of a column are whole numbers with a fraction of zero, as pandas writes those beside missing ones,
    the fraction is left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as csv

    table = csv.read_csv(
        file,
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(NAMES, pa.string())),
    )
    for place, name in enumerate(table.column_names):
        if name in NAMES and pc.all(pc.match_substring_regex(table.column(place), r"^(-?[0-9]+\.0+)?$")).as_py():
            whole = pc.replace_substring_regex(table.column(place), r"\.0+$", "")
            table = table.set_column(place, name, whole)
    return table
