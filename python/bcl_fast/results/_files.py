"""Files of clustering results: Parquet or CSV by suffix, a row per track.

Columns are ``track_id, video_id, cluster_id, distance_to_centroid, cluster_size``, ``name`` where clusters have names,
``not_a_face`` where a user has marked some,
and by which tracks are known again, in Parquet ``embedding``, in CSV ``fingerprint``. The linkage and the threshold are
metadata of Parquet and columns of CSV. ``-`` is CSV on standard output, without the latter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.csv import csv_rows, write_csv
from bcl_fast._utils.extras import require
from bcl_fast._utils.files import atomic_output, check_is_file, check_output
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Names, PathLike
from bcl_fast.errors import InputError
from bcl_fast.results._how_made import how_made
from bcl_fast.results._result import (
    COLUMNS,
    DISTANCE_THRESHOLD,
    EMBEDDING,
    FINGERPRINT,
    LINKAGE,
    NAME,
    NOT_A_FACE,
    ClusteringResult,
)
from bcl_fast.tracks._names import as_names, first_duplicate, track_name
from bcl_fast.tracks._sources import open_source

_KINDS: dict[str, tuple[Any, str]] = {
    "track_id": (np.object_, "text"),
    "video_id": (np.object_, "text"),
    "cluster_id": (np.int64, "whole numbers"),
    "distance_to_centroid": (np.float32, "numbers"),
    "cluster_size": (np.int64, "whole numbers"),
    NAME: (np.object_, "text"),
    FINGERPRINT: (np.float64, "numbers"),
    NOT_A_FACE: (np.bool_, "true or false"),
}
_TRUTHS = {"true": True, "1": True, "false": False, "0": False, "": False}
# Keys of the metadata.
_EMBEDDED_BY, _CHECKSUM = b"bcl_fast.embedded_by", b"bcl_fast.checksum"
_LINKAGE, _DISTANCE_THRESHOLD = b"bcl_fast.linkage", b"bcl_fast.distance_threshold"


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
                _write_csv(result, file, result.fingerprints)


def _check_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise InputError(f"a clustering result must end in .parquet or .csv, or be '-' (CSV), got {str(path)!r}")
    if suffix == ".parquet":
        require("a Parquet file", "pyarrow")
    return suffix


def _write_csv(result: ClusteringResult, file: IO[str], fingerprints: NDArray[np.float64] | None = None) -> None:
    columns = result.columns()
    columns["distance_to_centroid"] = np.round(result.distances_to_centroid.astype(np.float64), 6)
    if fingerprints is not None:
        columns[FINGERPRINT] = np.round(fingerprints, 6)
        if result.linkage is not None:
            columns[LINKAGE] = np.full(result.n_tracks, result.linkage, dtype=object)
            columns[DISTANCE_THRESHOLD] = np.full(result.n_tracks, result.distance_threshold)
    write_csv(file, columns, zip(*(column.tolist() for column in columns.values()), strict=True))


def _write_parquet(result: ClusteringResult, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        name: pa.array(column, pa.string() if column.dtype == object else None)
        for name, column in result.columns().items()
    }
    if result.embeddings is not None:
        width = result.embeddings.shape[1]
        columns[EMBEDDING] = pa.FixedSizeListArray.from_arrays(pa.array(result.embeddings.ravel()), width)
    metadata = {_CHECKSUM: _checksum(result)}
    if result.embedded_by is not None:
        metadata[_EMBEDDED_BY] = result.embedded_by
    if result.linkage is not None:
        metadata |= {_LINKAGE: result.linkage, _DISTANCE_THRESHOLD: repr(result.distance_threshold)}
    with path.open("wb") as file:  # the library takes no name that is not UTF-8
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), file, write_page_checksum=True)


def _checksum(result: ClusteringResult) -> str:
    how = [] if result.linkage is None else [result.linkage, repr(result.distance_threshold)]
    return checksum([result.columns(), result.embeddings, result.embedded_by, *how])


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
    embeddings, embedded_by, expected = None, None, None
    if suffix == ".csv":
        columns = _read_csv(file)
    else:
        columns, embeddings, metadata = _read_parquet(file)
        embedded_by, expected = metadata.get(_EMBEDDED_BY), metadata.get(_CHECKSUM)
        for name, key in ((LINKAGE, _LINKAGE), (DISTANCE_THRESHOLD, _DISTANCE_THRESHOLD)):
            if key in metadata:
                columns[name] = [metadata[key]]
    linkage, distance_threshold = how_made(columns.get(LINKAGE, []), columns.get(DISTANCE_THRESHOLD, []), file)
    track_ids, video_ids, cluster_ids, distances, sizes = (_as_column(columns[name], name, file) for name in COLUMNS)
    result = ClusteringResult(
        track_ids,
        video_ids,
        cluster_ids,
        distances,
        sizes,
        names=_as_column(columns[NAME], NAME, file) if NAME in columns else None,
        embeddings=embeddings,
        embedded_by=embedded_by,
        fingerprints=_as_column(columns[FINGERPRINT], FINGERPRINT, file) if FINGERPRINT in columns else None,
        linkage=linkage,
        distance_threshold=distance_threshold,
        not_a_face=_as_column(columns[NOT_A_FACE], NOT_A_FACE, file) if NOT_A_FACE in columns else None,
    )
    if expected is not None and expected != _checksum(result):
        raise InputError(
            f"{file} does not match its checksum: it is damaged, or was changed by a program that kept the metadata "
            f"{_CHECKSUM.decode()}"
        )
    _check_once(result, file)
    if (result.cluster_ids < -1).any():
        wild = result.cluster_ids.min()
        raise InputError(f"clusters in {file} must have numbers from 0 on, or -1 for none, got {wild}")
    if result.not_a_face is not None and (result.cluster_ids[result.not_a_face] >= 0).any():
        row = int(np.argmax(result.not_a_face & (result.cluster_ids >= 0)))
        name = track_name(result.track_ids[row], result.video_ids[row])
        raise InputError(f"{name} in {file} must be no face or in a cluster, got both")
    return result


def _check_once(result: ClusteringResult, file: Path) -> None:
    twice = first_duplicate(result.video_ids, result.track_ids)
    if twice is not None:
        name = track_name(result.track_ids[twice[0]], result.video_ids[twice[0]])
        one, other = (result.cluster_ids[row] for row in twice[::-1])
        raise InputError(f"{file} must hold each track once, got {name} twice, in the clusters {one} and {other}")


def _as_column(values: list[Any], name: str, file: Path) -> NDArray[Any]:
    dtype, wanted = _KINDS[name]
    try:
        if None in values and name != NAME:
            raise ValueError("a value is missing")
        if dtype is np.object_:
            return _as_text(values, name)
        if dtype is np.bool_:
            values = [_TRUTHS[str(value).lower()] for value in values]
        if dtype is np.int64:  # int() of a number would round it
            values = [int(str(value)) for value in values]
        with np.errstate(over="ignore"):
            return np.array(values, dtype=dtype)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of {file} must be {wanted} in every row ({one_line(error)})") from None


def _as_text(values: list[Any], name: str) -> Names:
    texts = as_names(values, name)
    if name != NAME and np.any(texts == ""):
        raise ValueError("a value is missing")
    return texts


def _read_parquet(file: Path) -> tuple[dict[str, list[Any]], NDArray[np.float32] | None, dict[bytes, str]]:
    """Columns, embeddings, and what the file says of itself."""
    with _whole_parquet(file) as source:
        found, metadata = source.schema.names, source.schema.metadata or {}
    _check_columns(found, file)
    with _whole_parquet(file) as source:
        columns = source.table([name for name in (*_KINDS, LINKAGE, DISTANCE_THRESHOLD) if name in found]).to_pydict()
        column = source.table([EMBEDDING]).column(0) if EMBEDDING in found else None
    about = {key: value.decode(errors="replace") for key, value in metadata.items()}
    return columns, None if column is None else _as_matrix(column, file), about


@contextmanager
def _whole_parquet(file: Path) -> Iterator[Any]:
    try:
        with open_source(file, ".parquet") as source:
            yield source
    except InputError as error:
        raise InputError(f"{file} must be a whole Parquet file ({error})") from None


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
    twice = next((name for name in (*_KINDS, LINKAGE, DISTANCE_THRESHOLD, EMBEDDING) if found.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file} must have one column {twice!r}, got {found.count(twice)} of that name")
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(f"{file} must have the columns {', '.join(COLUMNS)}, got none named {', '.join(missing)}")
