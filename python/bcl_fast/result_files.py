"""Files of clustering results: Parquet or CSV by suffix, a row per track.

The columns are ``track_id, video_id, cluster_id, distance_to_centroid, cluster_size``. ``-`` is CSV on standard output.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast.errors import InputError
from bcl_fast.files import atomic_output, check_output
from bcl_fast.results import COLUMNS, ClusteringResult

_KINDS: dict[str, tuple[Any, str]] = {
    "track_id": (np.str_, "text"),
    "video_id": (np.str_, "text"),
    "cluster_id": (np.int64, "whole numbers"),
    "distance_to_centroid": (np.float32, "numbers"),
    "cluster_size": (np.int64, "whole numbers"),
}

PathLike = str | os.PathLike[str]


def check_result_output(path: PathLike, *, force: bool = False) -> None:
    """Check that a result can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the suffix is neither .parquet nor .csv, or `bcl_fast.files.check_output` objects.
    """
    if str(path) == "-":
        return
    _check_suffix(Path(path))
    check_output(path, force=force)


def write_result(result: ClusteringResult, path: PathLike, *, force: bool = False) -> None:
    """Write a result to ``.parquet`` or ``.csv``, or as CSV to standard output for ``-``.

    Distances have six decimals in CSV.

    Raises
    ------
    InputError
        If the suffix is not known, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if str(path) == "-":
        return _write_csv(result, sys.stdout)
    suffix = _check_suffix(Path(path))
    with atomic_output(path, force=force) as temporary:
        if suffix == ".parquet":
            _write_parquet(result, temporary)
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                _write_csv(result, file)


def _check_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise InputError(f"a clustering result must end in .parquet or .csv, or be '-' (CSV), got {str(path)!r}")
    return suffix


def _write_csv(result: ClusteringResult, file: IO[str]) -> None:
    columns = result.columns()
    columns["distance_to_centroid"] = np.round(result.distances_to_centroid.astype(np.float64), 6)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def _write_parquet(result: ClusteringResult, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(column) for name, column in result.columns().items()})
    pq.write_table(table, path)


def read_result(path: PathLike) -> ClusteringResult:
    """Read a result that `write_result` wrote, or any table with its columns.

    Raises
    ------
    InputError
        If the file is missing, broken or of another kind, or a column is missing or holds what it should not.
    """
    file = Path(path)
    suffix = _check_suffix(file)
    if not file.is_file():
        raise InputError(f"the clustering result {file} does not exist or is not a file")
    columns = _read_parquet(file) if suffix == ".parquet" else _read_csv(file)
    track_ids, video_ids, cluster_ids, distances, sizes = (_as_column(columns[name], name, file) for name in COLUMNS)
    return ClusteringResult(track_ids, video_ids, cluster_ids, distances, sizes)


def _as_column(values: list[Any], name: str, file: Path) -> NDArray[Any]:
    dtype, wanted = _KINDS[name]
    try:
        if None in values:
            raise ValueError("a value is missing")
        if dtype is np.int64:  # int() of a number would round it
            values = [int(str(value)) for value in values]
        return np.array([str(value) for value in values] if dtype is np.str_ else values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of {file} must be {wanted} in every row ({error})") from None


def _read_parquet(file: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            _check_columns(opened.schema_arrow.names, file)
            return dict(opened.read(columns=list(COLUMNS)).to_pydict())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise InputError(f"{file} must be a whole Parquet file ({reason})") from None


def _read_csv(file: Path) -> dict[str, list[Any]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            header = next(rows, [])
            _check_columns(header, file)
            columns: list[list[Any]] = [list(column) for column in zip(*_whole_rows(rows, header, file), strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} must be CSV in UTF-8 ({error})") from None
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def _whole_rows(rows: Iterator[list[str]], header: list[str], file: Path) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(f"{file} must have {len(header)} columns in every line, got {len(row)} in line {number}")
        yield row


def _check_columns(found: list[str], file: Path) -> None:
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(f"{file} must have the columns {', '.join(COLUMNS)}, got none named {', '.join(missing)}")
