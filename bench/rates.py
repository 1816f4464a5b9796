"""What the machine can do at best, measured in the same run: the floors beside the times."""

from __future__ import annotations

import timeit
from functools import cache

import numpy as np
import numpy.typing as npt


@cache
def sgemm_flops_per_second() -> float:
    """Measure the rate of NumPy's float32 product."""
    A = np.ones((2048, 2048), np.float32)
    seconds = timeit.repeat(lambda: A @ A, number=2, repeat=10)
    return 2 * 2 * 2048**3 / min(seconds)


def gemm_seconds(points: npt.NDArray[np.float32]) -> float:
    """Return the time of n^2 d / 2 multiply-adds, the distances of all pairs, at that rate."""
    return len(points) ** 2 * points.shape[1] / sgemm_flops_per_second()
