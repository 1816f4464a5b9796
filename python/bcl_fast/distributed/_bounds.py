"""Which pairs of blocks are provably too far apart for any pair of their points: tasks that need not exist.

For centers ``c`` of the blocks, any vectors, let ``h(I, J)`` be the largest ``x . (c_J - c_I)`` over the points x of
block I. Then every x of I and y of J are at least ``-(h(I, J) + h(J, I)) / |c_J - c_I|`` apart: how far the blocks
reach toward each other, a projection, tells far more in many dimensions than how far they reach anywhere.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from bcl_fast.distributed import _tasks
from bcl_fast.distributed._blocks import Blocks
from bcl_fast.distributed._workers import Call, Workers

_ROUNDING = 1e-10  # of sums of up to 10^5 products, relative to the largest there can be


def squared_gaps(workers: Workers, blocks: Blocks, centers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return squared distances that no points of two blocks are nearer than; 0 where nothing is proved."""
    n = len(blocks)
    reaches, sizes = np.zeros((n, n)), np.zeros(n)
    calls = (Call(b, _tasks.reaches, (blocks.rows[b], b, centers)) for b in range(n))
    for done in workers.do(calls):
        reaches[done.key], sizes[done.key] = done.answer[:-1], done.answer[-1]
    return gaps_of_reaches(reaches, sizes, centers)


def gaps_of_reaches(
    reaches: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], centers: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return what reaches of the blocks toward each other's centers prove, with room for rounding."""
    gaps = np.zeros_like(reaches)
    lengths = np.linalg.norm(centers, axis=1)
    for one, other in combinations(range(len(reaches)), 2):
        apart = np.linalg.norm(centers[one] - centers[other])
        rounding = _ROUNDING * (sizes[one] + sizes[other]) * (lengths[one] + lengths[other])
        gap = -(reaches[one, other] + reaches[other, one]) - rounding
        if gap > 0 and apart > 0:
            gaps[one, other] = gaps[other, one] = (gap / apart * (1 - _ROUNDING)) ** 2
    return gaps
