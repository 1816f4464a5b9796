"""Complete linkage whose points are on other machines: rung by rung, the pairs by workers, the merges here.

The steps are those of the core's own linkage (csrc/linkage/rungs.h), and so are the bits that come out: the order in
which points stand and the blocks they lie in decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast.distributed import _tasks
from bcl_fast.distributed._arrange import Arrangement, arrange
from bcl_fast.distributed._blocks import Blocks, first_identical, load
from bcl_fast.distributed._bounds import squared_gaps
from bcl_fast.distributed._tasks import BlockOrder
from bcl_fast.distributed._work import FEWEST_ROWS, ROOM_TO_GROW, Work
from bcl_fast.distributed._workers import Call, Workers
from bcl_fast.errors import InputError

Merges = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]
Tell = Callable[[str, int, float], Any]

_TASKS_AT_ONCE = 1.5  # for each that there may be: every block is made ready for as many as there are blocks
_MOST_ROWS = 1 << 20
_FEWEST_OF_ONE_BLOCK = 1 << 17  # below, to make points ready twice is little, and three tasks tell of progress


def link(workers: Workers, work: Work, n_threads: int, tell: Tell | None) -> Merges:
    """Return the merges up to the threshold, and labels. What is done here takes ``n_threads``."""
    n_points = work.shape[0]
    tell = tell or (lambda *_: None)
    tell("pairs", n_points, 0.0)
    blocks, hashes = load(workers, work.source, work.prepare, n_points, _n_blocks(workers, work))
    is_alone = _core.constrained_points(n_points, work.must_link_groups, work.cannot_link)
    identical = first_identical(workers, blocks, hashes, is_alone)
    distinct = np.flatnonzero(identical == np.arange(n_points))
    if len(distinct) * (len(distinct) - 1) // 2 <= work.max_dense_pairs:
        return _link_here(workers, work, blocks, _core.Execution(n_threads, tell))
    arrangement = arrange(workers, blocks, distinct, n_points, _n_blocks(workers, work), work.distance_threshold)
    del blocks  # the store holds each point once from now on
    rungs = _core.Rungs(identical, work.must_link_groups, work.max_pairs)
    climb = _Climb(workers, work, rungs, distinct, arrangement, n_threads, tell)
    while rungs.n_clusters > 1 and not climb.rung():
        pass
    tell("done", rungs.n_clusters, 1.0)
    return rungs.result()


def _n_blocks(workers: Workers, work: Work) -> int:
    """Return the number of blocks: as few as memory allows and as leave all cores some of the tasks, of all pairs."""
    n_points = max(1, work.shape[0])
    for_memory = -(-n_points // min(work.memory.rows_per_block or _MOST_ROWS, _MOST_ROWS))
    several = workers.n_threaded > 1 or n_points < _FEWEST_OF_ONE_BLOCK
    for_cores = round(float(np.sqrt(2 * _TASKS_AT_ONCE * workers.n_threaded))) if several else 1
    return max(for_memory, min(for_cores, n_points // FEWEST_ROWS), 1)


def _link_here(workers: Workers, work: Work, blocks: Blocks, execution: _core.Execution) -> Merges:
    """Link so few points that one process may look at all pairs at once, as it does where there are no others."""
    n_points = work.shape[0]
    points = blocks.gather(workers, np.arange(n_points), n_points)
    return _core.complete_linkage(
        points,
        work.distance_threshold,
        work.max_pairs,
        work.must_link_groups,
        work.cannot_link,
        execution,
        max_dense_pairs=work.max_dense_pairs,
    )


class _Climb:
    """Rung after rung: see `rung`."""

    def __init__(
        self,
        workers: Workers,
        work: Work,
        rungs: _core.Rungs,
        distinct: npt.NDArray[np.int64],
        arrangement: Arrangement,
        n_threads: int,
        tell: Tell,
    ) -> None:
        self._workers, self._work, self._rungs, self._n_threads, self._tell = workers, work, rungs, n_threads, tell
        self._blocks, self._groups = arrangement
        self._in_order = distinct
        if self._groups is not None:
            self._in_order = distinct[np.argsort(self._groups[distinct], kind="stable")]
        self._most_rows = int(ROOM_TO_GROW * max(map(len, self._blocks.points)))

    def rung(self) -> bool:
        """Find the closest pairs of the clusters, and merge along them; return whether these were the last."""
        labels = self._rungs.labels()
        home = self._settle(labels)
        orders = [_order(labels[points], points, self._groups, len(labels)) for points in self._blocks.points]
        kept = [self._workers.keep(tuple(order)) for order in orders]
        guess = self._guess()
        gaps = self._squared_gaps()
        is_last = False
        for largest in (guess, np.inf) if guess < self._work.distance_threshold else (np.inf,):
            pool = _core.PairPool(self._work.max_pairs, largest)
            self._find_pairs(pool, kept, gaps, labels)
            is_last = largest == np.inf and not pool.was_cut
            if pool.size > self._rungs.fewest_of_guess:
                break
        sources = self._rungs.merge(pool, _core.Execution(self._n_threads, self._tell_of_merges))
        self._rungs.add(self._measure(sources, home, kept))
        return is_last

    def _tell_of_merges(self, stage: str, n_clusters: int, share: float) -> None:
        self._tell(stage, n_clusters, self._rungs.share(1, share))

    def _settle(self, labels: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """Bring the points of each cluster together in one block; return it by label."""
        of_points = labels[self._in_order]
        firsts = self._in_order[first_of_each(of_points, len(labels))]
        clusters, sizes = labels[firsts], np.bincount(of_points)[labels[firsts]]
        self._check_fits(int(sizes.max()))
        home = np.full(len(labels), -1, np.int32)
        home[clusters] = self._homes(firsts, sizes)
        home_of_points = home[of_points]
        order = np.argsort(home_of_points.astype(np.min_scalar_type(home.max())), kind="stable")  # 16 bits: linear
        ends = np.cumsum(np.bincount(home_of_points))[:-1]
        points = np.split(self._in_order[order], ends)
        numbers = np.cumsum([len(part) > 0 for part in points], dtype=np.int32) - 1
        home[clusters] = numbers[home[clusters]]
        points = [part for part in points if len(part)]
        self._blocks = self._blocks.dealt_anew(self._workers, points, len(labels))
        return home

    def _homes(self, firsts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return a block for each cluster, by its first point: that which holds it, or more blocks, for more cores."""
        n_blocks, n_wanted = len(self._blocks), _n_blocks(self._workers, self._work)
        if n_wanted > n_blocks:
            filled = np.cumsum(sizes)
            self._most_rows = int(ROOM_TO_GROW * -(-filled[-1] // n_wanted))
            return ((filled - 1) * n_wanted // filled[-1]).astype(np.int32)
        block, _ = self._blocks.whereabouts(self._work.shape[0])
        home = block[firsts]
        spread_out(home, sizes, n_blocks, self._most_rows)
        return home

    def _check_fits(self, size: int) -> None:
        rows = self._work.memory.rows_per_block
        if rows is not None and size > ROOM_TO_GROW * rows:
            raise InputError(
                f"a cluster has grown to {size:,} points, and memory_limit allows a worker {rows:,}: raise it, or "
                "lower the distance threshold"
            )

    def _guess(self) -> float:
        points, clusters, rows, columns = self._rungs.sample()
        found = self._blocks.gather(self._workers, points.astype(np.int64), self._work.shape[0])
        return _core.guess_reach(
            found,
            clusters,
            rows,
            columns,
            self._work.distance_threshold,
            self._rungs.n_clusters,
            self._work.max_pairs,
            _core.Execution(self._n_threads),
        )

    def _squared_gaps(self) -> npt.NDArray[np.float64]:
        """Return what is known of how far the blocks lie apart at least."""
        n = len(self._blocks)
        if n == 1:
            return np.zeros((1, 1))
        samples = [points[:: max(1, len(points) // 64)][:64] for points in self._blocks.points]
        rows = self._blocks.gather(self._workers, np.concatenate(samples), self._work.shape[0]).astype(np.float64)
        centers = np.array([part.mean(axis=0) for part in np.split(rows, np.cumsum([*map(len, samples)])[:-1])])
        return squared_gaps(self._workers, self._blocks, centers)

    def _find_pairs(
        self, pool: _core.PairPool, orders: list[Any], gaps: npt.NDArray[np.float64], labels: npt.NDArray[np.int32]
    ) -> None:
        """Fill the pool: from blocks in themselves first, where most close pairs are: less is then wanted of others."""
        cannot_link = np.unique(labels[self._work.cannot_link], axis=0).astype(np.int32).reshape(-1, 2)
        cannot_link = self._workers.keep(cannot_link) if len(cannot_link) > 1000 else cannot_link
        n = len(self._blocks)
        pairs = [(b,) for b in range(n)] + sorted(combinations(range(n), 2), key=lambda pair: gaps[pair])
        settled = 0

        def calls() -> Iterator[Call]:
            nonlocal settled
            for pair in pairs:
                wanted = min(pool.largest, self._work.distance_threshold)
                if len(pair) == 2 and gaps[pair] > wanted:
                    settled += 1
                    continue
                arguments = (
                    len(pair),
                    self._work.distance_threshold,
                    pool.largest,
                    self._work.memory.max_pairs,
                    cannot_link,
                )
                blocks = (*(self._blocks.rows[b] for b in pair), *(orders[b] for b in pair))
                yield Call(pair, _tasks.closest_pairs, arguments + blocks)

        for done in self._workers.do(calls(), threaded=True):
            pool.add(*done.answer)
            settled += 1
            self._tell("pairs", self._rungs.n_clusters, self._rungs.share(settled / len(pairs), 0))

    def _measure(
        self, sources: npt.NDArray[np.int32], home: npt.NDArray[np.int32], orders: list[Any]
    ) -> npt.NDArray[np.float64]:
        """Return the distances of pairs of clusters, as SciPy has them."""
        distances = np.empty(len(sources))
        where = np.sort(home[sources], axis=1)
        keys = where[:, 0].astype(np.int64) * len(self._blocks) + where[:, 1]
        calls = []
        for key in np.unique(keys).tolist():
            at, pair = np.flatnonzero(keys == key), sorted({*divmod(key, len(self._blocks))})
            blocks = (*(self._blocks.rows[b] for b in pair), *(orders[b] for b in pair))
            calls.append(Call(at, _tasks.exact_distances, (len(pair), sources[at], *blocks)))
        for done in self._workers.do(calls, threaded=True):
            distances[done.key] = done.answer
        return distances


def spread_out(home: npt.NDArray[np.int32], sizes: npt.NDArray[np.int64], n_blocks: int, most_rows: int) -> None:
    """Move clusters out of blocks that have become too large, into those with the most room."""
    rows = np.bincount(home, weights=sizes, minlength=n_blocks).astype(np.int64)
    for full in np.flatnonzero(rows > most_rows):
        for cluster in np.flatnonzero(home == full)[::-1]:
            if rows[full] <= most_rows:
                break
            roomy = int(rows.argmin())
            home[cluster], rows[full], rows[roomy] = roomy, rows[full] - sizes[cluster], rows[roomy] + sizes[cluster]


def first_of_each(labels: npt.NDArray[np.int32], n_labels: int) -> npt.NDArray[np.bool_]:
    """Whether a row is the first with its label, which is below ``n_labels``."""
    rows = np.arange(len(labels))
    first = np.empty(n_labels, np.int64)
    first[labels[::-1]] = rows[::-1]  # of several the last remains
    return first[labels] == rows


def _order(
    labels: npt.NDArray[np.int32], points: npt.NDArray[np.int64], groups: npt.NDArray[np.int32] | None, n_labels: int
) -> BlockOrder:
    """Return which clusters the rows of a block make, in the order of their first rows."""
    is_first = first_of_each(labels, n_labels)
    ranks = labels[is_first]
    place = np.empty(n_labels, np.int32)
    place[ranks] = np.arange(len(ranks))
    offsets = np.empty(0, np.int64)
    if groups is not None:
        of_clusters = groups[points[is_first]]
        offsets = np.concatenate([[0], np.flatnonzero(np.diff(of_clusters)) + 1, [len(ranks)]]).astype(np.int64)
    return BlockOrder(place[labels], ranks, offsets)
