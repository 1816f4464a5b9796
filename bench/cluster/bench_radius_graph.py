"""All pairs within a squared distance: ours, ours without its screen, and faiss, on the same points in the same run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast import _core
from bench.data import DISTANCE_THRESHOLD, identity_vectors, unstructured_vectors
from bench.rates import gemm_seconds

Points = npt.NDArray[np.float32]

DECIDE, FLOAT32_TILES = -1, 0


def graph(points: Points, threshold: float, directions: int) -> tuple[int, int]:
    """Return the number of pairs, and of the directions that the screen asked about (0: float32 tiles)."""
    offsets, _, _, _, used = _core.radius_graph(points, threshold, directions=directions)
    return int(offsets[-1]) // 2, used


def faiss_range_search(points: Points, threshold: float) -> tuple[int, int]:
    import faiss

    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    limits, _, _ = index.range_search(points, _just_above(threshold))
    return (int(limits[-1]) - len(points)) // 2, 0


def faiss_range_search_gpu(points: Points, threshold: float) -> tuple[int, int]:
    """Do what faiss has for a range on a GPU: nearest neighbours, and the CPU where a point has more than those."""
    import faiss
    from faiss.contrib.exhaustive_search import range_search_gpu

    on_cpu = faiss.IndexFlatL2(points.shape[1])
    on_cpu.add(points)
    on_gpu = faiss.index_cpu_to_all_gpus(on_cpu)
    limits, _, _ = range_search_gpu(points, _just_above(threshold), on_gpu, on_cpu)
    return (int(limits[-1]) - len(points)) // 2, 0


def _just_above(threshold: float) -> float:
    """Return the radius for faiss, which finds distances below it, and every point itself."""
    return float(np.nextafter(np.float32(threshold), np.float32(np.inf)))


IMPLEMENTATIONS: dict[str, Callable[[Points, float], tuple[int, int]]] = {
    "bcl_fast": lambda points, threshold: graph(points, threshold, DECIDE),
    "bcl_fast, float32 tiles": lambda points, threshold: graph(points, threshold, FLOAT32_TILES),
    "faiss range search": faiss_range_search,
    "faiss range search, GPU": faiss_range_search_gpu,
}

# Points, how many, and the threshold: the last is where every fourth pair of the smallest lies, and no screen can help.
CASES = {
    "identities": (identity_vectors, 20_000, DISTANCE_THRESHOLD),
    "identities, first rung": (identity_vectors, 100_000, 0.48),
    "identities, whole graph": (identity_vectors, 100_000, DISTANCE_THRESHOLD),
    "unstructured, few pairs": (unstructured_vectors, 100_000, 1.2),
    "unstructured, many pairs": (unstructured_vectors, 20_000, 1.9),
}


OF_FAISS = ("identities", "identities, whole graph")  # it takes twenty seconds for each of the others


@cache
def points_of(case: str) -> Points:
    make, n, _ = CASES[case]
    return make(n)


@pytest.mark.benchmark(group="radius graph")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def bench_radius_graph(benchmark, implementation: str, case: str) -> None:
    is_faiss = implementation.startswith("faiss")
    if is_faiss:
        faiss = pytest.importorskip("faiss")
        if implementation.endswith("GPU") and faiss.get_num_gpus() == 0:
            pytest.skip("faiss finds no GPU: the extra gpu is for it")
        if case not in OF_FAISS:
            pytest.skip("faiss takes 20 s")
    points, threshold = points_of(case), CASES[case][2]
    rounds = 1 if is_faiss else 3
    pairs, directions = benchmark.pedantic(IMPLEMENTATIONS[implementation], (points, threshold), rounds=rounds)
    benchmark.extra_info.update(
        n=len(points), threshold=threshold, pairs=pairs, directions=directions, gemm_seconds=gemm_seconds(points)
    )
    # faiss decides in float32 from inner products: a few pairs in a million fall on the other side.
    error = 1e-4 if is_faiss else 0
    assert pairs == pytest.approx(graph(points, threshold, FLOAT32_TILES)[0], rel=error, abs=0)
