"""Points of which very many pairs tie, or nearly: what other linkages do in the same time whatever the points are."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from bench.cluster.peers import PEERS, THRESHOLDS, LinkageName

Points = npt.NDArray[np.float32]


class Case(NamedTuple):
    """Points, and where the linkage stops."""

    points: Points
    threshold: float


@cache
def cases() -> dict[str, Case]:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4, 1500)
    noise = rng.standard_normal((1500, 1500)) * 1e-3 / np.sqrt(1500)
    return {
        "one distance, the threshold: 1,500 x 1,500": Case(_float32(np.eye(1500)), 2.0),
        "one distance but for noise: 1,500 x 1,500": Case(_float32(np.eye(1500) + noise), 2.0),
        "a few distances: 1,500 x 1,500": Case(_float32(np.eye(1500) * sizes[:, None]), 10.0),
        "rare features: 5,000 x 200": Case(_float32(rng.random((5000, 200)) < 0.03), 14.0),
        "binary, full tree: 5,000 x 64": Case(_float32(rng.integers(0, 2, (5000, 64))), np.inf),
        "whole numbers, full tree: 5,000 x 3": Case(_float32(rng.integers(0, 100, (5000, 3))), np.inf),
    }


def _float32(points: npt.NDArray[np.generic]) -> Points:
    return points.astype(np.float32)


@pytest.mark.benchmark(group="ties")
@pytest.mark.parametrize("linkage", THRESHOLDS)
@pytest.mark.parametrize("case", cases())
@pytest.mark.parametrize("implementation", ["bcl_fast", "scipy", "fastcluster"])
def bench_ties(benchmark, implementation: str, case: str, linkage: LinkageName) -> None:
    points, threshold = cases()[case]
    labels = benchmark.pedantic(PEERS[implementation], (points, linkage, threshold), rounds=3)
    n_clusters = len(np.unique(labels))
    # Ties may be broken in several ways: the numbers of clusters are close, and where all is one they are equal.
    assert n_clusters == pytest.approx(len(np.unique(PEERS["scipy"](points, linkage, threshold))), rel=0.1)
    benchmark.extra_info.update(n_clusters=n_clusters)
