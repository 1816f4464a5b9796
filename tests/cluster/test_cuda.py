"""What only a CUDA device can show of the radius graph and the linkage: the same bits as on the CPU.

The kernels' own arithmetic is tested on the host too (tests/core/cuda/test_screen_on_host.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bcl_fast import BallClustering, average_linkage, complete_linkage, radius_graph

pytestmark = pytest.mark.cuda


def identity_points(n: int, d: int, dtype: type = np.float32) -> np.ndarray:
    rng = np.random.default_rng(n)
    centers = rng.standard_normal((max(1, n // 20), d))
    return (centers[rng.integers(0, len(centers), n)] + 0.5 * rng.standard_normal((n, d))).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(2, 1), (130, 7), (3_000, 64), (20_000, 33)])
def test_radius_graph_has_the_same_bits_as_on_the_cpu(n: int, d: int, dtype: type) -> None:
    X = identity_points(n, d, dtype)
    for threshold in (0.0, 0.3 * d, 0.8 * d) if n < 20_000 else (0.5 * d,):
        on_cpu, on_cuda = radius_graph(X, threshold), radius_graph(X, threshold, device="cuda")
        for name in ("indptr", "indices", "data"):
            np.testing.assert_array_equal(getattr(on_cuda, name), getattr(on_cpu, name))


@pytest.mark.parametrize("linkage", [complete_linkage, average_linkage])
@pytest.mark.parametrize(("n", "threshold"), [(1, 1.0), (500, None), (5_000, 30.0), (30_000, 30.0)])
def test_linkage_has_the_same_bits_as_on_the_cpu(linkage: Callable, n: int, threshold: float | None) -> None:
    X = identity_points(n, 48)
    on_cpu, on_cuda = linkage(X, threshold), linkage(X, threshold, device="cuda")
    np.testing.assert_array_equal(on_cuda.labels, on_cpu.labels)
    np.testing.assert_array_equal(on_cuda.merges, on_cpu.merges)
    name = "complete" if linkage is complete_linkage else "average"
    estimator = BallClustering(threshold, linkage=name, device="cuda").fit(X)
    np.testing.assert_array_equal(estimator.labels_, on_cpu.labels)


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(
        ValueError, match=r"^device 'cuda:99' cannot be used: the last of the CUDA devices is cuda:\d+$"
    ):
        radius_graph(np.eye(3), 1.0, device="cuda:99")
