"""What workers do. Each function gets arrays, from the store or with the call, and returns arrays.

Of several values the last is the *answer*, which the driver takes; the others stay in the store. Those that take
``n_threads`` have as many cores, the others one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import bcl_fast
from bcl_fast import _core
from bcl_fast.errors import InputError

Rows = npt.NDArray[Any]  # (n_rows, n_features), float32 or float64
Numbers = npt.NDArray[np.int32]
Prepare = Callable[[Rows, int], Rows]  # rows as they came, and the number of the first


class BlockOrder(NamedTuple):
    """Which clusters of a rung the rows of a block make.

    Attributes
    ----------
    clusters : ndarray of shape (n_rows,), int32
        By row: the place of its cluster among the block's.
    ranks : ndarray of shape (n_clusters,), int32
        What the clusters are called in the whole rung.
    group_offsets : ndarray of int64
        Ranges of clusters that stand close together; empty: none are known.
    """

    clusters: Numbers
    ranks: Numbers
    group_offsets: npt.NDArray[np.int64]


def versions() -> dict[str, str]:
    """Return what driver and workers must have alike for the same bits."""
    return {"bcl_fast": bcl_fast.__version__, "numpy": np.__version__}


def run(of_driver: dict[str, str], task: Callable[..., Any], *arguments: Any) -> Any:
    """Do a task, if this worker is like the driver."""
    mine = versions()
    for name, version in of_driver.items():
        if mine[name] != version:
            raise InputError(f"driver and workers must have the same {name}, got {version} and {mine[name]}")
    return task(*arguments)


def load(source: Any, prepare: Prepare, first: int, last: int) -> tuple[Rows, npt.NDArray[np.uint64]]:
    """Read rows, from the source or as they are; return them checked and prepared, and a hash of each."""
    rows = prepare(source if isinstance(source, np.ndarray) else source.read(first, last), first)
    return rows, _core.row_hashes(rows, _core.Execution(1))


def same_rows(one: Rows, other: Rows, of_one: Numbers, of_other: Numbers) -> npt.NDArray[np.bool_]:
    """Whether pairs of rows are equal."""
    return (one[of_one] == other[of_other]).all(axis=1)


def take(rows: Rows, wanted: Numbers) -> Rows:
    """Return some rows of a block."""
    return rows[wanted]


def deal(rows: Rows, *wanted: Numbers) -> tuple[Rows | None, ...]:
    """Return some rows of a block for each list of them."""
    return *(rows[numbers] for numbers in wanted), None


def put_together(places: Sequence[Numbers], *parts: Rows) -> tuple[Rows, None]:
    """Return a block of the parts, whose rows go to these places in it."""
    block = np.empty((sum(map(len, places)), parts[0].shape[1]), parts[0].dtype)
    for numbers, part in zip(places, parts, strict=True):
        block[numbers] = part
    return block, None


def find_centers(n_threads: int, radius: float, n_all: int, *samples: Rows) -> tuple[Rows, Numbers]:
    """Group a sample of all points; return the mean of each group, and how many points of the sample it has."""
    sample = np.concatenate(samples)
    order, offsets = _core.point_groups(sample, radius, n_all, _core.Execution(n_threads))
    if len(offsets) == 1:
        return sample[:0], np.empty(0, np.int32)
    sizes = np.diff(offsets)
    sums = np.add.reduceat(sample[order], offsets[:-1], axis=0, dtype=np.float64)
    return (sums / sizes[:, None]).astype(sample.dtype), sizes.astype(np.int32)


def assign_groups(n_threads: int, rows: Rows, centers: Rows, radius: float) -> Numbers:
    """Return a number for each row: twice that of its nearest center; one more, where that is farther than a radius."""
    both = np.concatenate([centers, rows])
    nearest = _core.nearest_groups(both, len(centers), radius, _core.Execution(n_threads))
    loose = np.flatnonzero(nearest < 0)
    numbers = 2 * nearest
    if len(loose):
        home = _core.nearest_groups(
            np.concatenate([centers, rows[loose]]), len(centers), 1e300, _core.Execution(n_threads)
        )
        numbers[loose] = 2 * np.maximum(home, 0) + 1
    return numbers


def reaches(rows: Rows, own: int, centers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far the points of a block reach toward the center of each other block; last the largest norm.

    The reach toward block ``b`` is the largest ``x . (centers[b] - centers[own])``; see `_bounds`.
    """
    products = np.full(len(centers), -np.inf)
    largest = 0.0
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096].astype(np.float64)
        toward = part @ centers.T
        products = np.maximum(products, (toward - toward[:, own : own + 1]).max(axis=0))
        largest = max(largest, float(np.sqrt((part * part).sum(axis=1).max())))
    return np.append(products, largest)


def closest_pairs(
    n_threads: int,
    blocks: int,
    distance_threshold: float,
    largest: float,
    max_pairs: int,
    cannot_link: Numbers,
    *rows_and_orders: Any,
) -> tuple[npt.NDArray[np.float64], Numbers, bool]:
    """Find the closest pairs of clusters of one block, or between two."""
    rows, order, n_rows = _joined(blocks, rows_and_orders)
    if len(cannot_link):
        cannot_link = cannot_link[np.isin(cannot_link, order.ranks).all(axis=1)]
    return _core.closest_pairs(
        rows,
        order.clusters,
        order.ranks,
        order.group_offsets,
        n_rows,
        distance_threshold,
        largest,
        max_pairs,
        cannot_link,
        _core.Execution(n_threads),
    )


def exact_distances(n_threads: int, blocks: int, pairs: Numbers, *rows_and_orders: Any) -> npt.NDArray[np.float64]:
    """Measure pairs of clusters, named by their ranks, with the bits of SciPy's distances."""
    rows, order, _ = _joined(blocks, rows_and_orders)
    by_rank = np.argsort(order.ranks).astype(np.int32)
    places = by_rank[np.searchsorted(order.ranks[by_rank], pairs)]
    return _core.exact_distances(rows, order.clusters, len(order.ranks), places, _core.Execution(n_threads))


def _joined(blocks: int, rows_and_orders: Sequence[Any]) -> tuple[Rows, BlockOrder, int]:
    """Return one block, or two as one, and the number of clusters of the first."""
    rows, orders = rows_and_orders[:blocks], [BlockOrder(*order) for order in rows_and_orders[blocks:]]
    n_rows = len(orders[0].ranks)
    if blocks == 1:
        return rows[0], orders[0], n_rows
    one, other = orders
    offsets = np.append(one.group_offsets, other.group_offsets[1:] + n_rows)
    joined = BlockOrder(
        np.append(one.clusters, other.clusters + np.int32(n_rows)), np.append(one.ranks, other.ranks), offsets
    )
    return np.concatenate(rows), joined, n_rows
