"""Every source of candidates gives the same graph: float32 products, or leading directions of any number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast import _core
from tests.helpers.linkage import identities

FLOAT_SCREEN, DECIDE = 0, -1


def on_a_grid(n: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).integers(0, 3, (n, 12)).astype(np.float32)


def spread_evenly(n: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=(n, 40)).astype(np.float32) / np.float32(np.sqrt(40))


INPUTS = {
    "identities": (identities(2500, 40), 0.4),
    "float64": (identities(2500, 40).astype(np.float64) * 1e3 + 1e5, 0.4e6),
    "many ties": (on_a_grid(2300), 2.0),
    "spread evenly": (spread_evenly(2200), 1.5),
    "all pairs": (spread_evenly(2100), np.inf),
}


def assert_same_graph(graph: tuple, other: tuple) -> None:
    for array, other_array in zip(graph[:3], other[:3], strict=True):
        np.testing.assert_array_equal(array, other_array)
    assert graph[3] == other[3]


@pytest.mark.parametrize("name", INPUTS)
def test_sources_agree(name: str) -> None:
    X, threshold = INPUTS[name]
    expected = _core.radius_graph(X, threshold, directions=FLOAT_SCREEN)
    assert expected[-1] == 0
    assert expected[0][-1] > 0
    for directions in (8, 24, 40):
        graph = _core.radius_graph(X, threshold, directions=directions)
        assert graph[-1] == min(directions, X.shape[1] // 8 * 8)
        assert_same_graph(graph, expected)
    assert_same_graph(_core.radius_graph(X, threshold, directions=DECIDE), expected)


@pytest.mark.parametrize("directions", [FLOAT_SCREEN, 16])
@pytest.mark.parametrize("n_threads", [2, 5])
def test_threads_do_not_show(directions: int, n_threads: int) -> None:
    X, threshold = INPUTS["identities"]
    alone = _core.radius_graph(X, threshold, _core.Execution(1), directions)
    assert_same_graph(_core.radius_graph(X, threshold, _core.Execution(n_threads), directions), alone)


def test_few_points_are_not_worth_directions() -> None:
    X, threshold = INPUTS["identities"]
    assert _core.radius_graph(X[:500], threshold, directions=16)[-1] == 0
