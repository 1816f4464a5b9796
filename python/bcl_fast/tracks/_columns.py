"""Columns of Arrow tables as arrays: names, numbers, and embeddings in whatever type a table has them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from bcl_fast._utils.codes import Categories
from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import as_names

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
_UUID_BYTES = 16


def name_column(column: Any, what: str) -> Categories:
    """Encode a column of names; Arrow's dictionaries are in order of first appearance."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = _storage(column)
    kind = column.type
    if "string" in str(kind) or kind == pa.null():
        column = column.cast(pa.large_string())
    elif str(kind) in ("large_binary", "binary_view"):
        column = column.cast(pa.large_binary())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or _is_bytes(kind)):
        raise InputError(f"column {what!r} must be text or whole numbers, got {kind}")
    encoded = column.dictionary_encode().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    values = encoded.dictionary.to_pylist()
    if pa.types.is_fixed_size_binary(kind) and kind.byte_width == _UUID_BYTES:
        values = [None if value is None else UUID(bytes=value) for value in values]
    try:
        names = as_names(values, f"column {what!r}")
    except InputError as error:
        if pa.types.is_floating(kind):
            raise InputError(f"column {what!r} must be text or whole numbers, got {kind} (not all whole)") from None
        raise error
    codes[np.isin(codes, np.flatnonzero(names == ""))] = -1
    return Categories(codes, names)


def _storage(column: Any) -> Any:
    """Return what an extension type (a UUID, a tensor) is stored as."""
    import pyarrow as pa

    while isinstance(column.type, pa.BaseExtensionType):
        if isinstance(column, pa.ChunkedArray):
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
        else:
            column = column.storage
    return column


def _is_bytes(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def number_column(column: Any, what: str) -> Any | None:
    """Take a column of numbers as a NumPy array; None when it is all null."""
    if column.null_count == len(column):
        return None
    if not _is_number(column.type):
        raise InputError(f"column {what!r} must be numbers, got {column.type}")
    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy()))
        raise InputError(f"column {what!r} must be given in every row or in none, got none in row {row}")
    return column.to_numpy()


def embedding_columns(schema: Any) -> list[str]:
    """Find the columns that hold the features: ``embedding``, or numbered ones such as ``f0``, ``f1``, ...

    Raises
    ------
    InputError
        If two sets of columns are numbered from 0 or 1 without a gap.
    """
    if "embedding" in schema.names:
        return ["embedding"]
    series: dict[str, dict[int, str]] = {}
    for field in schema:
        match = _NUMBERED.fullmatch(field.name)
        if match and _is_number(field.type):
            series.setdefault(match[1], {})[int(match[2])] = field.name
    found = [
        [columns[number] for number in sorted(columns)]
        for columns in series.values()
        if max(columns) - min(columns) + 1 == len(columns) and min(columns) in (0, 1)
    ]
    if len(found) > 1:
        both = " and ".join(f"{columns[0]!r} to {columns[-1]!r}" for columns in found[:2])
        raise InputError(f"the features must be one column 'embedding' or one set of numbered columns, got {both}")
    return found[0] if found else []


def check_embedding_type(schema: Any, columns: Sequence[str]) -> None:
    """Refuse a column ``embedding`` of a type that holds no lists of numbers, before any of it is read."""
    import pyarrow as pa

    kind = inner = schema.field(columns[0]).type
    if len(columns) > 1 or columns[0] != "embedding" or _is_bytes(kind) or "string" in str(kind).split("<")[0]:
        return
    if isinstance(inner, pa.BaseExtensionType):
        inner = inner.storage_type
    depth = 0
    while _is_list(inner):
        inner, depth = inner.value_type, depth + 1
    if depth == 0 or not _is_number(inner):
        raise InputError(f"column 'embedding' must be a list of numbers in every row, got {kind}")


def _is_list(kind: Any) -> bool:
    return str(kind).split("<")[0] in ("list", "large_list", "fixed_size_list", "list_view", "large_list_view")


def embedding_block(batch: Any, columns: Sequence[str], start: int) -> Any:
    """Turn a batch into rows of a matrix; ``start`` is the number of its first row, for messages."""
    if columns[0] != "embedding":
        return np.stack([_whole(batch.column(name), name, start) for name in columns], axis=1)
    column = batch.column("embedding")
    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise InputError(f"column 'embedding' must be given in every row, got null in row {row}")
    column = _storage(column)
    if not _is_list(column.type):
        return _decoded(column.to_pylist(), start)
    n_rows, values = len(column), column
    while _is_list(values.type):
        values = _flat(values, start, per_row=len(values) // max(n_rows, 1))
    if values.null_count:
        row = start + int(np.argmax(values.is_null().to_numpy(zero_copy_only=False))) // (len(values) // n_rows)
        raise InputError(f"column 'embedding' must hold numbers, got null inside row {row}")
    return values.to_numpy(zero_copy_only=False).reshape(n_rows, len(values) // n_rows)


def _whole(column: Any, what: str, start: int) -> Any:
    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise InputError(f"column {what!r} must be given in every row, got null in row {row}")
    return column.to_numpy(zero_copy_only=False)


def _flat(column: Any, start: int, *, per_row: int) -> Any:
    """Take the lists apart; they must be equally long."""
    import pyarrow.compute as pc

    if column.null_count:
        row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))) // per_row
        raise InputError(f"column 'embedding' must hold numbers, got null inside row {row}")
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    if np.any(lengths != lengths[0]):
        other = int(np.argmax(lengths != lengths[0]))
        raise InputError(ragged(lengths[0], lengths[other], start + other // per_row))
    return column.flatten()


def _decoded(values: list[Any], start: int) -> Floats:
    """Read text as JSON lists, and bytes as float32 numbers, the least significant byte first."""
    rows = []
    for row, value in enumerate(values, start=start):
        try:
            numbers = json.loads(value) if isinstance(value, str) else np.frombuffer(value, "<f4")
            with np.errstate(over="ignore"):
                rows.append(np.asarray(numbers, dtype=np.float64).astype(np.float32))
        except (ValueError, TypeError, OverflowError, RecursionError):
            wanted = "a JSON list of numbers" if isinstance(value, str) else "the bytes of float32 numbers"
            raise InputError(
                f"column 'embedding' must be {wanted} in every row, got {value[:20]!r} in row {row}"
            ) from None
        if rows[-1].ndim != 1:
            raise InputError(
                f"column 'embedding' must be a list of numbers in every row, got {value[:20]!r} in row {row}"
            )
        if len(rows[-1]) != len(rows[0]):
            raise InputError(ragged(len(rows[0]), len(rows[-1]), row))
    return np.stack(rows)


def ragged(wanted: int, got: int, row: int) -> str:
    """Say that a row has another length."""
    return f"column 'embedding' must have as many numbers in every row, got {wanted} in row 0 and {got} in row {row}"
