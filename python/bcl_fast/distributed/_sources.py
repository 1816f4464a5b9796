"""Points that workers read, in ranges of rows: those of Parquet files, which the driver never holds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.extras import require
from bcl_fast._utils.text import brief, one_line
from bcl_fast.errors import InputError

_SUFFIX = ".parquet"


@dataclass
class ParquetPoints:
    """Points of a Parquet file or a folder of them, a point per row, for the workers of a Ray cluster to read.

    Every worker must see the files under the same name. They are taken in the order of their names.

    Parameters
    ----------
    path : str or path
        A file, or a folder with ``.parquet`` files in it, at any depth.
    column : str, default "embedding"
        Holds a list of numbers for each row, all of one length.

    Attributes
    ----------
    shape : tuple of int
        Number of points, and of features.
    dtype : dtype
        float64 where the numbers are float64 or whole, float32 otherwise.

    Raises
    ------
    InputError
        A ValueError: if there is no such file, it is damaged, or it has no such column.
    MissingExtraError
        If pyarrow is not installed.

    See Also
    --------
    bcl_fast.complete_linkage : Takes it as X with ``engine="ray"``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from bcl_fast.distributed import ParquetPoints
    >>> pq.write_table(pa.table({"embedding": [[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]}), "points.parquet")
    >>> ParquetPoints("points.parquet").shape
    (3, 2)
    """

    path: str | os.PathLike[str]
    column: str = "embedding"
    shape: tuple[int, int] = field(init=False)
    dtype: np.dtype[Any] = field(init=False)
    _files: list[str] = field(init=False, repr=False)
    _first_rows: npt.NDArray[np.int64] = field(init=False, repr=False)  # of each file, and the number of all rows

    def __post_init__(self) -> None:
        require("a Parquet file", "pyarrow")
        path = Path(self.path)
        files = sorted(path.rglob(f"*{_SUFFIX}")) if path.is_dir() else [path]
        if not files:
            raise InputError(f"{path} must be a {_SUFFIX} file or a folder of them, got a folder without any")
        self._files = [str(file.absolute()) for file in files]
        self._first_rows = np.cumsum([0, *(self._look_at(file) for file in self._files)])
        first = self.read(0, 1) if self._first_rows[-1] else np.empty((0, 0), np.float32)
        self.shape, self.dtype = (int(self._first_rows[-1]), first.shape[1]), first.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of all points in memory."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        """Return the points ``[first, last)``, whatever they are like."""
        rows = []
        for file, start, end in zip(self._files, self._first_rows, self._first_rows[1:], strict=False):
            if start < last and first < end:
                rows.append(self._read_file(file, max(first - start, 0), min(last, end) - start))
        widths = {part.shape[1] for part in rows}
        if len(widths) > 1:
            raise InputError(f"all rows of {self.column} must have one length, got {sorted(widths)} in {self.path}")
        return np.concatenate(rows)

    def _look_at(self, file: str) -> int:
        """Return the number of rows of a file that has the column."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(file) as opened:
                names = opened.schema_arrow.names
                n_rows = opened.metadata.num_rows
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{file} must be a Parquet file: {one_line(error)}") from error
        if self.column not in names:
            raise InputError(f"{file} must have a column {self.column!r}, got {', '.join(map(brief, names[:10]))}")
        return n_rows

    def _read_file(self, file: str, first: int, last: int) -> npt.NDArray[Any]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(file) as opened:
            sizes = [opened.metadata.row_group(g).num_rows for g in range(opened.metadata.num_row_groups)]
            starts = np.cumsum([0, *sizes])
            groups = [g for g in range(len(sizes)) if starts[g] < last and first < starts[g + 1]]
            column = opened.read_row_groups(groups, columns=[self.column])[self.column]
        before = starts[groups[0]] if groups else 0
        return self._as_matrix(column.slice(first - before, last - first), file)

    def _as_matrix(self, column: Any, file: str) -> npt.NDArray[Any]:
        import pyarrow as pa

        if not (
            pa.types.is_fixed_size_list(column.type)
            or pa.types.is_list(column.type)
            or pa.types.is_large_list(column.type)
        ):
            raise InputError(f"{self.column} of {file} must hold a list of numbers for each row, got {column.type}")
        if column.null_count:
            raise InputError(f"{self.column} of {file} must have no empty places, got {column.null_count}")
        values = pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
        numbers = values.to_numpy()
        if numbers.dtype.kind not in "fiub" or values.null_count:
            raise InputError(f"{self.column} of {file} must hold numbers alone, got {column.type}")
        width, rest = divmod(len(numbers), len(column)) if len(column) else (0, 0)
        if rest or not _all_of_length(column, width):
            raise InputError(f"all rows of {self.column} must have one length, got several in {file}")
        is_single = numbers.dtype.kind == "f" and numbers.dtype.itemsize <= 4
        return numbers.reshape(len(column), width).astype(np.float32 if is_single else np.float64, copy=False)


def _all_of_length(column: Any, width: int) -> bool:
    import pyarrow.compute as pc

    return bool(pc.all(pc.equal(pc.list_value_length(column), width)).as_py() in (True, None))
