"""From float32 vectors to labels: ours and the tools people use, on the same points, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import timeit
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast.labels import by_first_appearance
from bench.clustering_peers import PEERS
from bench.data import identity_vectors

SIZES = [2_000, 9_740, 20_000, 100_000]
MOST_POINTS = {"bcl_fast": 100_000, "scipy": 20_000, "fastcluster": 20_000, "scikit-learn": 9_740}


@cache
def labels_of_ours(n: int) -> npt.NDArray[np.int64]:
    return PEERS["bcl_fast"](identity_vectors(n))


@cache
def sgemm_flops_per_second() -> float:
    """Measure the rate of NumPy's float32 product: what computing all distances once would run at, at best."""
    A = np.ones((2048, 2048), np.float32)
    seconds = timeit.repeat(lambda: A @ A, number=2, repeat=10)
    return 2 * 2 * 2048**3 / min(seconds)


def peak_bytes(implementation: str, n: int) -> int:
    """Peak memory of a fresh process that does this job once."""
    command = [sys.executable, "-m", "bench.clustering_peers", implementation, str(n)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["peak_bytes"]


@pytest.mark.benchmark(group="clustering")
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("implementation", PEERS)
def bench_clustering(benchmark, implementation: str, n: int) -> None:
    if n > MOST_POINTS[implementation]:
        pytest.skip(f"{implementation} takes minutes, or memory that is not there, at {n} points")
    points = identity_vectors(n)
    rounds = 7 if implementation == "bcl_fast" else 3 if n <= 9_740 else 1
    warmup = 1 if implementation == "bcl_fast" else 0
    labels = benchmark.pedantic(PEERS[implementation], (points,), rounds=rounds, iterations=1, warmup_rounds=warmup)
    same = np.array_equal(by_first_appearance(labels), labels_of_ours(n))
    benchmark.extra_info.update(
        n=n,
        peak_bytes=peak_bytes(implementation, n),
        same_labels=bool(same),
        gemm_seconds=n**2 * points.shape[1] / sgemm_flops_per_second(),
    )
    assert same
