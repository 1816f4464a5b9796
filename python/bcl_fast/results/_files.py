"""Files of clustering results: Parquet or CSV by suffix, a row per track.

Columns are ``track_id, video_id, cluster_id, distance_to_centroid, cluster_size``, ``name`` where clusters have names,
and in Parquet ``embedding``. ``-`` is CSV on standard output.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.csv import csv_rows
from bcl_fast._utils.files import atomic_output, check_is_file, check_output
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.results._result import COLUMNS, EMBEDDING, NAME, ClusteringResult

_KINDS: dict[str, tuple[Any, str]] = {
    "track_id": (np.object_, "text"),
    "video_id": (np.object_, "text"),
    "cluster_id": (np.int64, "whole numbers"),
    "distance_to_centroid": (np.float32, "numbers"),
    "cluster_size": (np.int64, "whole numbers"),
    NAME: (np.object_, "text"),
}
_EMBEDDED_BY = b"bcl_fast.embedded_by"  # key of the metadata


def check_result_output(path: PathLike, *, force: bool = False) -> None:
    """Check that a result can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the suffix is neither .parquet nor .csv, or `bcl_fast._utils.files.check_output` objects.
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

    columns = {name: pa.array(column) for name, column in result.columns().items()}
    if result.embeddings is not None:
        width = result.embeddings.shape[1]
        columns[EMBEDDING] = pa.FixedSizeListArray.from_arrays(pa.array(result.embeddings.ravel()), width)
    metadata = {} if result.embedded_by is None else {_EMBEDDED_BY: result.embedded_by}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), path)


def read_result(path: PathLike) -> ClusteringResult:
    """Read a result that `write_result` wrote, or any table with its columns.

    Raises
    ------
    InputError
        If the file is missing, broken or of another kind, or a column is missing or holds what it should not.
    """
    file = Path(path)
    suffix = _check_suffix(file)
    check_is_file(file, "clustering result")
    if suffix == ".csv":
        columns = _read_csv(file)
        embeddings, embedded_by = None, None
    else:
        columns, embeddings, embedded_by = _read_parquet(file)
    track_ids, video_ids, cluster_ids, distances, sizes = (_as_column(columns[name], name, file) for name in COLUMNS)
    return ClusteringResult(
        track_ids,
        video_ids,
        cluster_ids,
        distances,
        sizes,
        names=_as_column(columns[NAME], NAME, file) if NAME in columns else None,
        embeddings=embeddings,
        embedded_by=embedded_by,
    )


def _as_column(values: list[Any], name: str, file: Path) -> NDArray[Any]:
    dtype, wanted = _KINDS[name]
    try:
        if None in values:
            raise ValueError("a value is missing")
        if dtype is np.int64:  # int() of a number would round it
            values = [int(str(value)) for value in values]
        return np.array([str(value) for value in values] if dtype is np.object_ else values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of {file} must be {wanted} in every row ({error})") from None


def _read_parquet(file: Path) -> tuple[dict[str, list[Any]], NDArray[np.float32] | None, str | None]:
    """Columns, embeddings and what made them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            _check_columns(opened.schema_arrow.names, file)
            table = opened.read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise InputError(f"{file} must be a whole Parquet file ({reason})") from None
    wanted = [name for name in (*COLUMNS, NAME) if name in table.column_names]
    embeddings = _as_matrix(table.column(EMBEDDING), file) if EMBEDDING in table.column_names else None
    embedded_by = (table.schema.metadata or {}).get(_EMBEDDED_BY)
    return table.select(wanted).to_pydict(), embeddings, None if embedded_by is None else embedded_by.decode()


def _as_matrix(column: Any, file: Path) -> NDArray[np.float32]:
    import pyarrow as pa

    kind = column.type
    whole = pa.types.is_fixed_size_list(kind) and column.null_count == 0
    if whole and kind.value_type == pa.float32():
        values = column.combine_chunks().flatten()
        matrix = values.to_numpy(zero_copy_only=False).reshape(len(column), kind.list_size)
        if np.isfinite(matrix).all():
            return matrix
    raise InputError(
        f"column {EMBEDDING!r} of {file} must be lists of float32 numbers, as many and finite in every row"
    )


def _read_csv(file: Path) -> dict[str, list[Any]]:
    rows = csv_rows(file, "clustering result", stripped=False)
    _, header = next(rows, (1, []))
    _check_columns(header, file)
    columns: dict[str, list[Any]] = {name: [] for name in header}
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"{file} must have {len(header)} columns in every line, got {len(row)} in line {number}")
        for name, value in zip(header, row, strict=True):
            columns[name].append(value)
    return columns


def _check_columns(found: list[str], file: Path) -> None:
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(f"{file} must have the columns {', '.join(COLUMNS)}, got none named {', '.join(missing)}")
