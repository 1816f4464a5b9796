"""The kernels of the screen on the host, as in test_kernels_on_host.py: candidates, and bounds of pairs of tiles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.cuda.host_kernels import ORDERS, Kernels

# --- candidates


def candidates(
    kernels: Kernels,
    X: npt.NDArray,
    *taus: float,
    group_offsets: npt.NDArray | None = None,
    spreads: npt.NDArray | None = None,
    tiles_per_chunk: int = 0,
    step: int = 192,
    seed: int = 2,
) -> npt.NDArray:
    """Return how often each pair passed for the last threshold."""
    passed = np.full((len(X), len(X)), 9, np.uint8)
    asked = (float(taus[0]), float(taus[-1]), tiles_per_chunk, step, passed, seed)
    if group_offsets is None:
        kernels(f"screen_{X.dtype}", X, *X.shape, *asked)
    else:
        kernels("screen_groups", X, spreads, *X.shape, group_offsets, len(group_offsets) - 1, *asked)
    return passed


def squared_distances(X: npt.NDArray, spreads: npt.NDArray | None = None) -> npt.NDArray:
    X = X.astype(np.float64)
    distances = ((X[:, None] - X) ** 2).sum(2)
    return distances if spreads is None else distances + spreads[:, None] + spreads


def assert_screens(passed: npt.NDArray, X: npt.NDArray, tau: float, spreads: npt.NDArray | None = None) -> None:
    """Every pair i < j within the threshold once, and no pair that lies clearly beyond."""
    distances = squared_distances(X, spreads)
    above = np.triu(np.ones_like(passed, bool), 1)
    squares = ((X - X.mean(0, dtype=np.float64)) ** 2).sum(1) + (0 if spreads is None else spreads)
    band = 2.0**-8 * (squares[:, None] + squares) + 1e-6 * tau
    assert (passed[above & (distances <= tau)] == 1).all()
    assert (passed[~above] == 0).all()
    assert (passed[distances > tau + band] == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(1, 3), (2, 1), (130, 16), (300, 37)])
def test_screen_keeps_every_pair_within(kernels: Kernels, n: int, d: int, dtype: type) -> None:
    X = np.random.default_rng(n).standard_normal((n, d)).astype(dtype)
    distances = np.sort(squared_distances(X), axis=None)
    for quantile in (0.0, 0.1, 0.5, 1.0):
        tau = distances[int(quantile * (len(distances) - 1))]
        assert_screens(candidates(kernels, X, tau), X, tau)
    assert candidates(kernels, X, np.inf).sum() == n * (n - 1) // 2


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("step", [7, 192])
@pytest.mark.parametrize("group_offsets", [None, np.array([0, 3, 200, 410])])
def test_screen_by_chunks_and_thresholds(
    kernels: Kernels, group_offsets: npt.NDArray | None, step: int, seed: int
) -> None:
    X = np.random.default_rng(4).standard_normal((410, 5))
    distances = squared_distances(X)
    for taus in ((1.0, 3.0), (3.0, 1.0)):
        passed = candidates(kernels, X, *taus, group_offsets=group_offsets, tiles_per_chunk=1, step=step, seed=seed)
        assert (passed[np.triu(distances <= taus[1], 1)] == 1).all()
        # Chunks found for the larger threshold may serve the smaller one too.
        assert (passed[distances > 3.1] == 0).all()


# --- bounds of pairs of tiles


def points_in_groups(
    sizes: list[int], d: int, *, width: float, offset: float = 0.0, seed: int = 0
) -> tuple[npt.NDArray, npt.NDArray]:
    """Return points around a centre of each group, at random places, and the offsets of the groups."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((len(sizes), d))
    group = np.repeat(np.arange(len(sizes)), sizes)
    X = centers[group] + width * rng.standard_normal((len(group), d)) + offset
    return X, np.concatenate([[0], np.cumsum(sizes)])


GROUPED = {
    "of all sizes": points_in_groups([1, 127, 128, 129, 0, 2, 40, 300], 9, width=0.1),
    "that mix": points_in_groups([60, 60, 60], 12, width=2.0),
    "of one point each": points_in_groups([1] * 40, 6, width=0.3),
    "far from zero": points_in_groups([50, 70, 90], 8, width=0.05, offset=1e3),
    "of equal points": (np.repeat(np.eye(5), 30, axis=0), np.arange(0, 151, 30)),
    "all alike": (np.ones((140, 3)), np.array([0, 70, 140])),
    "on a line": (np.linspace(0, 1, 500)[:, None], np.arange(0, 501, 50)),
    "with an outlier": (
        np.concatenate([points_in_groups([90, 90], 5, width=0.1)[0], np.full((1, 5), 40.0)]),
        np.array([0, 90, 181]),
    ),
}


@pytest.mark.parametrize("spread", [0.0, 0.5])
@pytest.mark.parametrize("name", GROUPED)
def test_screen_of_groups_keeps_every_pair_within(kernels: Kernels, name: str, spread: float) -> None:
    X, group_offsets = GROUPED[name]
    rng = np.random.default_rng(1)
    spreads = spread * rng.random(len(X)) if spread > 0 else None
    distances = np.sort(squared_distances(X, spreads)[np.triu_indices(len(X), 1)])
    for quantile in (0.0, 0.01, 0.2, 1.0):
        tau = distances[int(quantile * (len(distances) - 1))]
        passed = candidates(kernels, X, tau, group_offsets=group_offsets, spreads=spreads)
        assert_screens(passed, X, tau, spreads)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 140), min_size=1, max_size=6),
    d=st.integers(1, 20),
    width=st.sampled_from([0.0, 0.01, 0.3, 2.0]),
    whole=st.booleans(),
    quantile=st.floats(0, 1),
    seed=st.integers(0, 2**16),
)
def test_screen_of_any_groups_keeps_every_pair_within(
    kernels: Kernels, sizes: list[int], d: int, width: float, whole: bool, quantile: float, seed: int
) -> None:
    X, group_offsets = points_in_groups(sizes, d, width=width, seed=seed)
    if whole:  # distances that a threshold equals
        X = np.rint(3 * X)
    if len(X) < 2:
        return
    distances = np.sort(squared_distances(X)[np.triu_indices(len(X), 1)])
    tau = distances[int(quantile * (len(distances) - 1))]
    passed = candidates(kernels, X, tau, group_offsets=group_offsets, tiles_per_chunk=1 + seed % 3, seed=seed % 3)
    assert (passed[np.triu(squared_distances(X) <= tau, 1)] == 1).all()
    assert passed.max() <= 1


class NearTiles:
    """What the kernels say of pairs of tiles, and what is so."""

    def __init__(
        self,
        kernels: Kernels,
        X: npt.NDArray,
        group_offsets: npt.NDArray,
        tau: float,
        spreads: npt.NDArray | None = None,
        seed: int = 2,
    ) -> None:
        offsets, n_tiles = np.zeros(len(X) + 1, np.int32), np.zeros(1, np.int64)
        near, share = np.full(len(X) ** 2, 7, np.uint8), np.zeros(1)
        groups = (group_offsets, len(group_offsets) - 1)
        kernels("near_tiles", X, spreads, *X.shape, *groups, tau, offsets, n_tiles, near, share, seed)
        self.n = n = int(n_tiles[0])
        self.offsets = offsets[: n + 1]
        self.near = near[: n * n].reshape(n, n) == 1
        self.share = float(share[0])
        self.pairs = [(t, u) for t in range(n) for u in range(t, n)]
        members = [X[first:last] for first, last in zip(self.offsets[:-1], self.offsets[1:], strict=True)]
        least = [0.0 if spreads is None else float(spreads[offsets[t] : offsets[t + 1]].min()) for t in range(n)]
        self.excess = np.zeros((n, n))  # of the gap between two tiles along the line of their centres
        for t, u in self.pairs:
            w = members[u].mean(0) - members[t].mean(0)
            length = np.linalg.norm(w)
            gap = (members[u] @ w).min() - (members[t] @ w).max()
            self.excess[t, u] = gap - length * np.sqrt(max(tau - least[t] - least[u], 0))


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("d", [3, 16, 37])
def test_tiles_are_near_by_the_gap_along_their_centres(kernels: Kernels, d: int, seed: int) -> None:
    X, group_offsets = points_in_groups([1, 127, 128, 129, 2, *[20] * 140], d, width=0.15)
    spreads = 0.1 * np.random.default_rng(d).random(len(X))
    tau = float(np.quantile(squared_distances(X[group_offsets[:-1]]), 0.3))
    found = NearTiles(kernels, X, group_offsets, tau, spreads, seed)
    assert found.n == 146
    # TF32 products and float32 sums; far tiles are some lengths of X squared apart.
    band = 2.0**-8 * (X**2).sum(1).max()
    for t, u in found.pairs:
        assert found.near[t, u] or found.excess[t, u] > 0
        assert not found.near[t, u] or found.excess[t, u] <= band
    share = np.mean([found.near[t, u] for t, u in found.pairs if t != u])
    assert 0.02 < share < 0.98
    assert abs(found.share - share) < 0.1


def test_tiles_are_chosen_where_they_have_fewer_products(kernels: Kernels) -> None:
    def chosen(sizes: list[int], tau: float) -> tuple[int, bool]:
        X, group_offsets = points_in_groups(sizes, 16, width=0.05)
        n_tiles, has_bounds = np.zeros(1, np.int64), np.zeros(1, np.uint8)
        kernels("choose_tiles", X, *X.shape, group_offsets, len(sizes), tau, n_tiles, has_bounds)
        return int(n_tiles[0]), bool(has_bounds[0])

    assert chosen([100] * 64, 1.0) == (64, True)
    assert chosen([100] * 64, 1e3) == (50, False)  # nothing is far
    assert chosen([5] * 300, 1.0) == (12, False)  # tiles that are nearly empty
