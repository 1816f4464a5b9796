"""From float32 vectors to labels: ours and the tools people use, on the same points, in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast._utils.codes import by_first_appearance
from bench.cluster.peers import PEERS, THRESHOLDS, LinkageName
from bench.data import identity_vectors
from bench.rates import gemm_seconds

# Points and features: of our embeddings, and of face recognisers as they are.
SIZES = [(2_000, 64), (9_740, 64), (20_000, 64), (100_000, 64), (9_740, 512), (100_000, 512)]
MOST_POINTS = {"bcl_fast": 100_000, "scipy": 20_000, "fastcluster": 20_000, "scikit-learn": 9_740, "Biopython": 2_000}


@cache
def labels_of_ours(n: int, n_features: int, linkage: LinkageName) -> npt.NDArray[np.int64]:
    return PEERS["bcl_fast"](identity_vectors(n, n_features=n_features), linkage, THRESHOLDS[linkage])


def fresh_process(implementation: str, n: int, linkage: LinkageName, n_features: int = 64) -> dict[str, Any]:
    """Do this job once in a process of its own: ``seconds``, ``peak_bytes`` and ``n_clusters``."""
    command = [sys.executable, "-m", "bench.cluster.peers", implementation, str(n), linkage, str(n_features)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.benchmark(group="clustering")
@pytest.mark.parametrize("linkage", THRESHOLDS)
@pytest.mark.parametrize(("n", "n_features"), SIZES)
@pytest.mark.parametrize("implementation", PEERS)
def bench_clustering(benchmark, implementation: str, n: int, n_features: int, linkage: LinkageName) -> None:
    if n > MOST_POINTS[implementation]:
        pytest.skip(f"{implementation} takes minutes, or memory that is not there, at {n} points")
    points = identity_vectors(n, n_features=n_features)
    rounds = 7 if implementation == "bcl_fast" else 3 if n * n_features <= 9_740 * 64 else 1
    warmup = 1 if implementation == "bcl_fast" else 0
    arguments = points, linkage, THRESHOLDS[linkage]
    labels = benchmark.pedantic(PEERS[implementation], arguments, rounds=rounds, iterations=1, warmup_rounds=warmup)
    same = np.array_equal(by_first_appearance(labels), labels_of_ours(n, n_features, linkage))
    benchmark.extra_info.update(
        n=n,
        n_features=n_features,
        implementation=implementation,
        linkage=linkage,
        peak_bytes=fresh_process(implementation, n, linkage, n_features)["peak_bytes"],
        same_labels="yes" if same else "no",
        gemm_seconds=gemm_seconds(points),
    )
    assert same


@pytest.mark.benchmark(group="clustering")
@pytest.mark.parametrize("linkage", THRESHOLDS)
def bench_a_million_points(benchmark, linkage: LinkageName) -> None:
    """Minutes long: once, in the process whose memory is looked at."""
    n = 1_000_000
    result = benchmark.pedantic(fresh_process, ("bcl_fast", n, linkage), rounds=1)
    benchmark.extra_info.update(
        n=n,
        n_features=64,
        implementation="bcl_fast",
        linkage=linkage,
        seconds=result["seconds"],
        peak_bytes=result["peak_bytes"],
        same_labels="no peer can",
        gemm_seconds=gemm_seconds(np.empty((n, 64), np.float32)),
    )
    assert 10_000 < result["n_clusters"] < n // 2
