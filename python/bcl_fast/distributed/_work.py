"""What is to be linked, and what a worker's task may hold of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast.errors import InputError

FEWEST_ROWS = 2048  # of a block: below, a task's cost is mostly its start
ROOM_TO_GROW = 1.25  # blocks grow as clusters gather in them
_SHARE_OF_ROWS = 0.6  # of a task's memory; its pairs take the rest
_BYTES_PER_ROW = 352  # directions and clusters
_BYTES_PER_PAIR = 96  # twice as many found, and on their way to the driver


class Memory(NamedTuple):
    """What a worker's task may hold.

    Attributes
    ----------
    rows_per_block : int or None
        Points that it takes from each of two blocks, at most; None: no limit.
    max_pairs : int
        Pairs; beyond twice as many, the closest.
    """

    rows_per_block: int | None
    max_pairs: int


class Work(NamedTuple):
    """What is to be linked.

    Attributes
    ----------
    source : ndarray or object
        Points: an array, or what workers read from (`bcl_fast.distributed.ParquetPoints`).
    prepare : callable
        Makes points of rows as they came and the number of the first; importable where the workers are.
    shape : tuple of int
    distance_threshold : float
        Squared.
    max_pairs, max_dense_pairs : int
        Pairs that a rung, and a vector of all of them, may hold.
    must_link_groups, cannot_link : ndarray
        As the core takes them.
    memory : Memory
        Of a task.
    """

    source: Any
    prepare: Callable[..., Any]
    shape: tuple[int, int]
    distance_threshold: float
    max_pairs: int
    max_dense_pairs: int
    must_link_groups: npt.NDArray[np.int32] | None
    cannot_link: npt.NDArray[np.int32]
    memory: Memory


def memory_of_task(limit: int | None, shape: tuple[int, int], itemsize: int, max_pairs: int) -> Memory:
    """Return what a task may hold within so many bytes; None: whatever it takes.

    Raises
    ------
    InputError
        If that is too little for any work.
    """
    if limit is None:
        return Memory(None, max_pairs)
    bytes_per_row = 2 * (shape[1] * (2 * itemsize + 8) + _BYTES_PER_ROW)  # two blocks: as they came, joined, screened
    least = int(min(FEWEST_ROWS, max(shape[0], 1)) * bytes_per_row * ROOM_TO_GROW / _SHARE_OF_ROWS)
    if limit < least:
        raise InputError(
            f"a worker that looks at blocks of points with {shape[1]:,} features needs a memory_limit of at least "
            f"{least:,} bytes, got {limit:,}"
        )
    rows = int(_SHARE_OF_ROWS * limit / ROOM_TO_GROW) // bytes_per_row
    return Memory(rows, min(max_pairs, max(1, int((1 - _SHARE_OF_ROWS) * limit) // _BYTES_PER_PAIR)))
