"""Where the points are: blocks of rows in the store of the cluster, near ones together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast.distributed import _tasks
from bcl_fast.distributed._workers import Call, Workers

Integers = npt.NDArray[np.int64]


@dataclass
class Blocks:
    """Blocks of points.

    Attributes
    ----------
    rows : list
        References of arrays of shape (n_rows, n_features).
    points : list of ndarray of int64
        The numbers of the points of each.
    sources : list
        References of what they were made of at first: as long as these are there, a block that is lost with its machine
        can be made again.
    """

    rows: list[Any]
    points: list[Integers]
    sources: list[Any]

    def __len__(self) -> int:
        return len(self.rows)

    def whereabouts(self, n_points: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return the block of each point, -1 where it is in none, and its row there."""
        block, row = np.full(n_points, -1, np.int32), np.full(n_points, -1, np.int32)
        for b, points in enumerate(self.points):
            block[points], row[points] = b, np.arange(len(points))
        return block, row

    def gather(self, workers: Workers, wanted: Integers, n_points: int) -> npt.NDArray[Any]:
        """Return the rows of a few points, in the order asked for."""
        block, row = self.whereabouts(n_points)
        places = [np.flatnonzero(block[wanted] == b) for b in range(len(self))]
        asked = [b for b, place in enumerate(places) if len(place)] or [0]
        calls = (Call(b, _tasks.take, (self.rows[b], row[wanted[places[b]]])) for b in asked)
        parts = {done.key: done.answer for done in workers.do(calls)}
        found = np.empty((len(wanted), parts[asked[0]].shape[1]), parts[asked[0]].dtype)
        for b, part in parts.items():
            found[places[b]] = part
        return found

    def dealt_anew(self, workers: Workers, points: list[Integers], n_points: int) -> Blocks:
        """Return blocks of other points each: rows travel from worker to worker; a block that is as before stays."""
        as_before = [b < len(self) and np.array_equal(wanted, self.points[b]) for b, wanted in enumerate(points)]
        block, row = self.whereabouts(n_points)
        parts: dict[int, list[tuple[Any, npt.NDArray[np.int32]]]] = {b: [] for b in range(len(points))}
        for done in workers.do(self._deals(points, as_before, block, row)):
            for (b, places), part in zip(done.key, done.kept, strict=True):
                parts[b].append((part, places))
        rows = [self.rows[b] if same else None for b, same in enumerate(as_before)]
        calls = (
            Call(b, _tasks.put_together, ([place for _, place in parts[b]], *(part for part, _ in parts[b])), 2)
            for b, same in enumerate(as_before)
            if not same
        )
        for done in workers.do(calls):
            rows[done.key] = done.kept[0]
        return Blocks(rows, points, self.sources)

    def _deals(self, points: list[Integers], as_before: list[bool], block: Any, row: Any) -> list[Call]:
        """Tasks, for each block that others want something of; a key says which ones, and where the rows go in them."""
        wanted: dict[int, list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]]] = {}
        for b, numbers in enumerate(points):
            if as_before[b]:
                continue
            for source in np.unique(block[numbers]).tolist():
                places = np.flatnonzero(block[numbers] == source).astype(np.int32)
                wanted.setdefault(source, []).append((b, places, row[numbers[places]]))
        return [
            Call(
                [(b, places) for b, places, _ in parts],
                _tasks.deal,
                (self.rows[source], *(numbers for _, _, numbers in parts)),
                len(parts) + 1,
            )
            for source, parts in wanted.items()
        ]


def cut_by_size(order: Integers, n_blocks: int) -> list[Integers]:
    """Cut points in an order into blocks of about one size."""
    return [part for part in np.array_split(order, n_blocks) if len(part)] or [order]


def load(
    workers: Workers, source: Any, prepare: Callable[..., Any], n_points: int, n_blocks: int
) -> tuple[Blocks, npt.NDArray[np.uint64]]:
    """Have the points read, or put them into the store; return them in blocks as they came, and a hash of each."""
    points = cut_by_size(np.arange(n_points), n_blocks)
    starts = np.cumsum([0, *map(len, points)]).tolist()
    ranges = list(pairwise(starts))

    is_here = isinstance(source, np.ndarray)
    sources = [workers.keep(source[first:last]) if is_here else source for first, last in ranges]
    calls = (Call(b, _tasks.load, (sources[b], prepare, *bounds), 2) for b, bounds in enumerate(ranges))
    rows: list[Any] = [None] * len(points)
    hashes = np.empty(n_points, np.uint64)
    for done in workers.do(calls):
        rows[done.key], hashes[points[done.key]] = done.kept[0], done.answer
    return Blocks(rows, points, sources if is_here else []), hashes


def first_identical(
    workers: Workers, blocks: Blocks, hashes: npt.NDArray[np.uint64], is_alone: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    """Return for each point the first that equals it; itself for those that are alone. Hashes say where to look."""
    first = np.arange(len(hashes), dtype=np.int32)
    left = np.flatnonzero(~is_alone)
    block, row = blocks.whereabouts(len(hashes))
    while len(left):
        _, firsts, of = np.unique(hashes[left], return_index=True, return_inverse=True)
        leaders = left[firsts][of.ravel()]
        others = left != leaders
        left, leaders = left[others], leaders[others]
        equal = np.zeros(len(left), bool)
        calls = []
        keys = block[left].astype(np.int64) * len(blocks) + block[leaders]
        for key in np.unique(keys).tolist():
            at, (one, other) = np.flatnonzero(keys == key), divmod(key, len(blocks))
            calls.append(
                Call(at, _tasks.same_rows, (blocks.rows[one], blocks.rows[other], row[left[at]], row[leaders[at]]))
            )
        for done in workers.do(calls):
            equal[done.key] = done.answer
        first[left[equal]] = leaders[equal]
        left = left[~equal]  # another point has the hash: once more among these
    return first
