"""Tables in memory (pandas, polars, pyarrow, DuckDB, a dict of arrays) as Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard

import numpy as np

from bcl_fast._utils.extras import require
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import as_names
from bcl_fast.tracks._sources import NAMES


class Streamed(Protocol):
    """A table of any library that hands it over as Arrow does: pandas, polars, pyarrow, DuckDB."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


Frame = Streamed | Mapping[str, Any]


def is_frame(value: object) -> TypeGuard[Frame]:
    """Whether a value is a table in memory."""
    return isinstance(value, Mapping) or hasattr(value, "__arrow_c_stream__")


def as_arrow(frame: Any) -> Any:
    """Return a ``pyarrow.Table`` of a table in memory.

    Raises
    ------
    InputError
        If its columns cannot be those of a table, or one of them is of no type that Arrow has.
    """
    require("a table", "pyarrow")
    import pyarrow as pa

    try:
        if isinstance(frame, Mapping) or hasattr(frame, "iloc"):  # pandas: columns of objects are looked at one by one
            return _from_columns(frame)
        if isinstance(frame, pa.RecordBatch):
            return pa.Table.from_batches([frame])
        return pa.table(frame)
    except (pa.ArrowException, TypeError, OverflowError) as error:
        raise InputError(f"columns of numbers, text or lists are wanted ({one_line(error)})") from None


def _from_columns(frame: Any) -> Any:
    import pyarrow as pa

    names = [str(name) for name in frame]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"one column {twice!r} is wanted, got {names.count(twice)} of that name")
    columns = {
        name: _column(frame[key], name) for key, name in zip(frame, names, strict=True) if _is_column(frame[key])
    }
    sizes = {name: len(column) for name, column in columns.items()}
    if len(set(sizes.values())) > 1:
        raise InputError(
            f"columns must be equally long, got {', '.join(f'{n} of {name!r}' for name, n in sizes.items())}"
        )
    return pa.table(columns)


def _is_column(values: Any) -> bool:
    """Whether values are a column; what is of no type that Arrow has is left out where nobody asks for it."""
    return hasattr(values, "__len__") and not isinstance(values, str | bytes)


def _column(values: Any, name: str) -> Any:
    import pyarrow as pa

    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu().numpy()
    array = values if hasattr(values, "dtype") else np.asarray(values, dtype=object)
    if (name in NAMES and str(array.dtype) in ("object", "category")) or getattr(array.dtype, "kind", "") in "US":
        return pa.array(as_names(values, name).tolist(), pa.string())
    if name == "embedding":
        return _embedding(array)
    if array.dtype == object:
        return pa.array(list(array), from_pandas=True) if name in _ASKED else pa.nulls(len(array))
    return pa.array(array, from_pandas=True)


_ASKED = ("frame", "x", "y", "w", "h")


def _embedding(values: Any) -> Any:
    """Make a column of lists of a matrix, or of a vector, a list or a text per row."""
    import pyarrow as pa

    matrix = np.asarray(values)
    if matrix.ndim == 2 and matrix.dtype != object and matrix.shape[1]:
        return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(matrix).reshape(-1)), matrix.shape[1])
    if matrix.dtype == object and matrix.ndim == 2:
        matrix = [list(row) for row in matrix]  # type: ignore[assignment]
    return pa.array([row if isinstance(row, str | bytes) or row is None else np.ravel(row) for row in matrix])
