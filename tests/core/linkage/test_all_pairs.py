"""All pairs at once instead of rungs: the same dendrogram, and where very many pairs tie the one way that is fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage as scipy_linkage

from bcl_fast import _core, average_linkage, complete_linkage
from tests.helpers.linkage import (
    NO_PAIRS,
    assert_is_a_complete_linkage,
    assert_is_an_average_linkage,
    by_first_appearance,
    climb,
    squared_distances,
)

LINKAGES = {
    "complete": (complete_linkage, assert_is_a_complete_linkage),
    "average": (average_linkage, assert_is_an_average_linkage),
}
ALL = 10**9


def tied(name: str, n: int, seed: int = 0) -> NDArray[Any]:
    """Points of which very many pairs are equally far apart, or nearly."""
    rng = np.random.default_rng(seed)
    points = {
        "one distance": np.eye(n),
        "one distance, rounded": np.eye(n) * 0.1,
        "one distance, but for noise": np.eye(n) + 1e-3 * rng.standard_normal((n, n)),
        "a few distances": np.eye(n) * rng.integers(1, 4, n)[:, None],
        "few points, many copies": rng.standard_normal((7, 3))[rng.integers(0, 7, n)],
        "binary": rng.integers(0, 2, (n, 16)),
        "unit length, binary": np.sqrt(rng.multinomial(4, np.full(12, 1 / 12), n) / 4),
        "grid": rng.integers(0, 6, (n, 2)),
        "line": np.arange(n)[:, None],
        "one feature": rng.integers(0, n, (n, 1)),
    }
    return points[name].astype(np.float64)


TIED = [
    "one distance",
    "one distance, rounded",
    "one distance, but for noise",
    "a few distances",
    "few points, many copies",
    "binary",
    "unit length, binary",
    "grid",
    "line",
    "one feature",
]


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("name", TIED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_very_many_ties(name, linkage, dtype):
    X = tied(name, 48).astype(dtype)
    distances = squared_distances(X)
    link, check = LINKAGES[linkage]
    for threshold in (0.0, *np.quantile(distances, [0.1, 0.5, 0.9], method="nearest"), np.inf):
        check(link(X, threshold), distances, threshold)


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("name", ["one distance", "one distance, rounded", "one distance, but for noise"])
def test_where_very_many_pairs_tie_they_are_measured_once(name, linkage):
    X = tied(name, 60)
    stages: list[str] = []
    execution = _core.Execution(1, lambda stage, n_clusters, share: stages.append(f"{stage} {n_clusters}"))
    merge = _core.complete_linkage if linkage == "complete" else _core.average_linkage
    merges, _ = merge(X, 2.5, 5, None, NO_PAIRS, execution, max_dense_pairs=60 * 59 // 2)
    assert len(merges) == 59
    assert set(stages) == {"pairs 60", "merges 60", "done 1"}
    stages.clear()
    merge(X, 2.5, 5, None, NO_PAIRS, execution, max_dense_pairs=60 * 59 // 2 - 1)  # which do not fit
    assert len(set(stages)) > 3


@settings(deadline=None)
@given(
    n=st.integers(2, 60),
    dim=st.integers(1, 40),
    most=st.integers(1, 300),
    copies=st.booleans(),
    quantile=st.floats(0.3, 1),
    seed=st.integers(0, 2**16),
    linkage=st.sampled_from(["complete", "average"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_equals_the_rungs_to_the_last_bit(n, dim, most, copies, quantile, seed, linkage, dtype):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, dim)).astype(dtype)
    X = X[rng.integers(0, n, n)] if copies else X
    groups = by_first_appearance(np.arange(n) if copies else rng.integers(0, 2 * n, n)).astype(np.int32)
    cannot_link = rng.integers(0, n, (0 if copies else n // 8, 2)).astype(np.int32)  # else ties
    cannot_link = cannot_link[groups[cannot_link[:, 0]] != groups[cannot_link[:, 1]]]
    options: dict[str, Any] = {"must_link_groups": groups, "cannot_link": cannot_link, "linkage": linkage}
    heights = climb(X, np.inf, most, **options).merges[:, 2]
    for threshold in (np.inf, np.quantile(heights, quantile, method="nearest") if len(heights) else 1.0):
        rungs = climb(X, threshold, most, **options)
        at_once = climb(X, threshold, ALL, max_dense_pairs=ALL, **options)
        np.testing.assert_array_equal(at_once.merges, rungs.merges)
        np.testing.assert_array_equal(at_once.labels, rungs.labels)


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize(("n", "dim"), [(97, 300), (500, 129), (300, 1)])  # more than a tile of rows, of features
@pytest.mark.parametrize("n_threads", [1, 2])
def test_tiles_that_are_not_full_equal_scipy(n, dim, linkage, n_threads):
    X = np.random.default_rng(3).normal(size=(n, dim))
    merges = climb(X, np.inf, ALL, max_dense_pairs=ALL, linkage=linkage, n_threads=n_threads).merges
    wanted = scipy_linkage(squared_distances(X), linkage)
    np.testing.assert_array_equal(merges[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(merges[:, 2], wanted[:, 2], rtol=0 if linkage == "complete" else 1e-13)


# ---- clusters that are everyone's nearest


def hub(n: int, dim: int, seed: int) -> NDArray[np.float64]:
    """A dense core, and points around it that are farther from each other than from it."""
    rng = np.random.default_rng(seed)
    shell = rng.standard_normal((n, dim))
    shell /= np.linalg.norm(shell, axis=1, keepdims=True)
    return np.concatenate([0.01 * rng.standard_normal((n // 2, dim)), shell])[rng.permutation(n + n // 2)]


@settings(deadline=None, max_examples=50)
@given(
    n=st.integers(4, 100),
    dim=st.integers(2, 64),
    seed=st.integers(0, 2**16),
    most=st.integers(5, 5000),
    linkage=st.sampled_from(["complete", "average"]),
)
def test_a_cluster_that_takes_in_the_others_one_by_one(n, dim, seed, most, linkage):
    X = hub(n, dim, seed)
    wanted = scipy_linkage(squared_distances(X), linkage)
    for max_dense_pairs in (0, ALL):
        merges = climb(X, np.inf, most, linkage=linkage, max_dense_pairs=max_dense_pairs).merges
        np.testing.assert_array_equal(merges[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
        np.testing.assert_allclose(merges[:, 2], wanted[:, 2], rtol=1e-12)
