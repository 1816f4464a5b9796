"""What happens to files: bytes cut, flipped, overwritten, repeated, dropped or swapped, numbers made huge.

And to tables: columns swapped, left out, there twice or of other types.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def _cut(rng: np.random.Generator, data: bytearray) -> bytearray:
    return data[: rng.integers(len(data) + 1)]


def _flip(rng: np.random.Generator, data: bytearray) -> bytearray:
    for _ in range(int(rng.choice([1, 1, 2, 8, 64]))):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return data


def _run(rng: np.random.Generator, data: bytearray) -> tuple[int, int]:
    start = int(rng.integers(len(data)))
    return start, min(len(data), start + int(rng.integers(1, 64)))


def _overwrite(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    fill = rng.choice([0, 255, 127, 128])
    data[start:stop] = rng.bytes(stop - start) if rng.random() < 0.5 else bytes([fill]) * (stop - start)
    return data


def _repeat(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    return data[:stop] + data[start:stop] * int(rng.integers(1, 20)) + data[stop:]


def _drop(rng: np.random.Generator, data: bytearray) -> bytearray:
    start, stop = _run(rng, data)
    return data[:start] + data[stop:]


def _swap(rng: np.random.Generator, data: bytearray) -> bytearray:
    (a, b), (c, d) = sorted((_run(rng, data), _run(rng, data)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


_HUGE = (
    b"9" * 5000,
    b"-1",
    b"1e400",
    b"NaN",
    b"Infinity",
    b"18446744073709551615",
    b"\0",
    b"\xff",
    b"",
    b'"',
    b"[" * 3000,
)


def _huge(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Put something huge or strange in the place of a number; in binary files that is a place like any other."""
    digits = [place for place, byte in enumerate(data) if 48 <= byte < 58] or [0]
    place = int(rng.choice(digits))
    return data[:place] + _HUGE[rng.integers(len(_HUGE))] + data[place + 1 :]


def _widest(rng: np.random.Generator, data: bytearray) -> bytearray:
    """Make an aligned word of a header or a footer as large as it can be."""
    place = int(rng.integers(0, max(1, len(data) - 8))) & ~3
    data[place : place + 4] = (b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\x10")[rng.integers(3)]
    return data


MUTATIONS: list[Callable[[np.random.Generator, bytearray], bytearray]] = [
    *(_cut, _flip, _overwrite, _repeat, _drop, _swap, _huge, _widest),
]


def _strange_columns(rng: np.random.Generator, n_rows: int) -> list[Any]:
    import pyarrow as pa

    lengths = rng.integers(1, 4, n_rows).tolist()
    return [
        *(pa.nulls(n_rows), pa.array([None, *range(n_rows - 1)]), pa.array([2**64 - 1] * n_rows, pa.uint64())),
        *(pa.array([value] * n_rows) for value in (-(2**63), float("inf"), 0.5, True, b"\xff", "", "a\0", "x" * 5000)),
        *(pa.array([value] * n_rows) for value in ([[1.0]], {"a": 1}, "[1, 2]", "9" * 5000, 3e38)),
        pa.array([b"\xff"] * n_rows).view(pa.string()),
        pa.array([[]] * n_rows, pa.list_(pa.float32())),
        pa.array([[None]] * n_rows, pa.list_(pa.float64())),
        pa.array([[1.0] * length for length in lengths]),
        pa.array([bytes(16)] * n_rows, pa.binary(16)),
        pa.array([1] * n_rows, pa.timestamp("ns")),
        pa.array(["a"] * n_rows).dictionary_encode(),
        pa.array([1] * n_rows, pa.decimal128(38, 2)),
    ]


def write_strange_table(rng: np.random.Generator, source: Path, target: Path) -> None:
    """Swap columns of a Parquet file, put strange ones in, leave some out, name one twice."""
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    names, columns = table.column_names, list(table.columns)
    for _ in range(int(rng.integers(1, 4))):
        place, strange = int(rng.integers(len(names))), _strange_columns(rng, len(table))
        what = rng.integers(5)
        if what == 0:
            other = int(rng.integers(len(names)))
            columns[place], columns[other] = columns[other], columns[place]
        elif what == 1 and len(names) > 1:
            names, columns = names[:place] + names[place + 1 :], columns[:place] + columns[place + 1 :]
        elif what == 2:
            names, columns = [*names, names[place]], [*columns, columns[place]]
        else:
            columns[place] = strange[rng.integers(len(strange))]
    pq.write_table(type(table).from_arrays(columns, names=names), target)
