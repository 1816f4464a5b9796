"""Which points stand together: groups of near ones in every block, and near groups in one block."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast.distributed import _tasks
from bcl_fast.distributed._blocks import Blocks, cut_by_size
from bcl_fast.distributed._workers import Call, Workers

FEWEST_GROUPED = 1 << 15
_POINTS_PER_SAMPLE, _FEWEST_SAMPLED, _MOST_SAMPLED_BYTES = 8, 1 << 14, 1 << 28


class Arrangement(NamedTuple):
    """Blocks of points in groups.

    Attributes
    ----------
    blocks : Blocks
    groups : ndarray of shape (n_points,), int32
        Groups in the order in which they stand; None: there are none.
    """

    blocks: Blocks
    groups: npt.NDArray[np.int32] | None


def arrange(
    workers: Workers, blocks: Blocks, distinct: npt.NDArray[np.int64], n_points: int, n_blocks: int, radius: float
) -> Arrangement:
    """Deal the distinct points into blocks: by groups that workers find in a sample, or as they came."""
    centers, sizes = _find_centers(workers, blocks, distinct, n_points, radius)
    if not len(sizes):
        return Arrangement(blocks.dealt_anew(workers, cut_by_size(distinct, n_blocks), n_points), None)
    order = near_together(centers, sizes, n_blocks)
    numbers = np.empty(n_points, np.int32)
    kept = workers.keep(centers[order])
    calls = (Call(b, _tasks.assign_groups, (rows, kept, radius)) for b, rows in enumerate(blocks.rows))
    for done in workers.do(calls, threaded=True):
        numbers[blocks.points[done.key]] = done.answer
    by_group = distinct[np.argsort(numbers[distinct], kind="stable")]
    return Arrangement(blocks.dealt_anew(workers, cut_by_size(by_group, n_blocks), n_points), numbers)


def _find_centers(
    workers: Workers, blocks: Blocks, distinct: npt.NDArray[np.int64], n_points: int, radius: float
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Return the means of groups of a sample of points, and their sizes; none where that is of no use."""
    none = np.empty((0, 0)), np.empty(0, np.int32)
    if len(distinct) < FEWEST_GROUPED:
        return none
    one = blocks.gather(workers, distinct[:1], n_points)
    most = _MOST_SAMPLED_BYTES // one.nbytes if one.nbytes else 0
    wanted = min(max(_FEWEST_SAMPLED, len(distinct) // _POINTS_PER_SAMPLE), most)
    if wanted < _FEWEST_SAMPLED:
        return none
    sample = distinct[np.linspace(0, len(distinct) - 1, wanted).astype(np.int64)]
    block, row = blocks.whereabouts(n_points)
    parts = (
        Call(b, _tasks.deal, (blocks.rows[b], row[sample[block[sample] == b]]), 2)
        for b in np.unique(block[sample]).tolist()
    )
    samples = {done.key: done.kept[0] for done in workers.do(parts)}
    call = Call(None, _tasks.find_centers, (radius, len(distinct), *(samples[b] for b in sorted(samples))))
    return next(workers.do([call], threaded=True)).answer


def near_together(centers: npt.NDArray[Any], sizes: npt.NDArray[np.int32], n_blocks: int) -> npt.NDArray[np.int64]:
    """Order groups so that near ones stand together: halved along the direction of most spread, and halved again."""

    def halved(groups: npt.NDArray[np.int64], n_parts: int) -> list[npt.NDArray[np.int64]]:
        if n_parts < 2 or len(groups) < 2:
            return [groups]
        offsets = centers[groups] - centers[groups].mean(axis=0)
        direction = np.linalg.eigh(offsets.T.astype(np.float64) @ offsets)[1][:, -1]
        groups = groups[np.argsort(offsets @ direction, kind="stable")]
        filled = np.cumsum(sizes[groups])
        half = 1 + int(np.searchsorted(filled, filled[-1] * (n_parts // 2) / n_parts))
        middle = min(max(half, 1), len(groups) - 1)
        return halved(groups[:middle], n_parts // 2) + halved(groups[middle:], n_parts - n_parts // 2)

    return np.concatenate(halved(np.arange(len(sizes)), n_blocks))
