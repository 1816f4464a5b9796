"""Of pairs at equal distances one order decides, by the samples' numbers alone: no size of a rung or path shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from bcl_fast import _core
from bcl_fast.cluster import CompleteLinkage
from tests.core.linkage.test_blocks import climb_in_blocks
from tests.core.linkage.test_graph_linkage import linkage_of_graph
from tests.helpers.linkage import (
    NO_PAIRS,
    assert_is_a_complete_linkage,
    by_first_appearance,
    climb,
    linkage_in_order,
    squared_distances,
)

ALL = 10**9
LINKAGES = ["complete", "average"]


def tied(kind: str, n: int, seed: int) -> NDArray[np.float64]:
    """Whole numbers of which very many pairs are equally far apart."""
    rng = np.random.default_rng(seed)
    points = {
        "line": np.arange(n)[:, None],
        "shuffled line": rng.permutation(n)[:, None],
        "grid": rng.integers(0, 5, (n, 3)),
        "binary": rng.integers(0, 2, (n, 9)),
        "one distance": np.eye(n),
        "a few distances": np.eye(n) * rng.integers(1, 4, n)[:, None],
        "groups at one distance": np.kron(np.eye(-(-n // 4)), np.ones((4, 1)))[rng.permutation(n)] * 3
        + np.eye(n)[:, :1],
    }
    return points[kind].astype(np.float64)


KINDS = ["line", "shuffled line", "grid", "binary", "one distance", "a few distances", "groups at one distance"]


def assert_same(result: CompleteLinkage, wanted: CompleteLinkage) -> None:
    np.testing.assert_array_equal(result.merges, wanted.merges)
    np.testing.assert_array_equal(result.labels, wanted.labels)
    assert result.n_clusters == wanted.n_clusters


def groups_of(X: NDArray[Any], must_link_groups: NDArray[Any], cannot_link: NDArray[Any]) -> NDArray[np.int64]:
    """What is merged from the start: must-link groups, and equal points that no constraint speaks of."""
    sizes = np.bincount(must_link_groups)[must_link_groups]
    is_alone = (sizes > 1) | np.isin(np.arange(len(X)), cannot_link)
    copy_of = np.unique(X, axis=0, return_inverse=True)[1].ravel()
    return by_first_appearance(np.where(is_alone, len(X) + must_link_groups, copy_of))


@settings(deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(2, 40),
    max_pairs=st.sampled_from([1, 2, 3, 7, 20, 60, 200, ALL]),
    max_dense_pairs=st.sampled_from([0, 10, 100, ALL]),
    quantile=st.floats(0, 1),
    constrained=st.booleans(),
    seed=st.integers(0, 2**16),
    linkage=st.sampled_from(LINKAGES),
    dtype=st.sampled_from([np.float32, np.float64]),
    n_threads=st.sampled_from([1, 2]),
)
def test_rows_and_labels_of_the_textbook_loop(
    kind, n, max_pairs, max_dense_pairs, quantile, constrained, seed, linkage, dtype, n_threads
):
    X = tied(kind, n, seed)
    rng = np.random.default_rng(seed + 1)
    must_link_groups = by_first_appearance(rng.integers(0, 4 * n, n) if constrained else np.arange(n))
    cannot_link = rng.integers(0, n, (n // 4 if constrained else 0, 2))
    cannot_link = cannot_link[must_link_groups[cannot_link[:, 0]] != must_link_groups[cannot_link[:, 1]]]
    square = squareform(squared_distances(X))
    square[tuple(cannot_link.T)] = square[tuple(cannot_link.T[::-1])] = np.inf
    threshold = float(np.quantile(squared_distances(X), quantile, method="nearest"))
    options: dict[str, Any] = {
        "must_link_groups": must_link_groups.astype(np.int32) if constrained else None,
        "cannot_link": cannot_link.astype(np.int32),
        "n_threads": n_threads,
        "max_dense_pairs": max_dense_pairs,
        "linkage": linkage,
    }
    wanted = linkage_in_order(square, threshold, linkage, groups_of(X, must_link_groups, cannot_link))
    assert_same(climb(X.astype(dtype), threshold, max_pairs, **options), wanted)


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_size_of_a_rung_shows(kind, linkage):
    """More samples than the loop could take; the fewest pairs are hundreds of rungs."""
    X = tied(kind, 300, 0)
    threshold = float(np.median(squared_distances(X)))
    wanted = climb(X, threshold, ALL, linkage=linkage)
    assert len(wanted.merges) > 150
    for max_pairs in (30, 300, 3000, 20_000):
        for n_threads in (1, 2):
            assert_same(climb(X, threshold, max_pairs, linkage=linkage, n_threads=n_threads), wanted)
    for max_dense_pairs in (3000, ALL):
        assert_same(climb(X, threshold, 300, linkage=linkage, max_dense_pairs=max_dense_pairs), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task_pairs", [None, 30])
def test_no_blocks_show(kind, task_pairs):
    X = tied(kind, 100, 1)
    threshold = float(np.median(squared_distances(X)))
    wanted = climb(X, threshold, ALL)
    for max_pairs in (60, 1000):
        merges, labels, _ = climb_in_blocks(X, threshold, max_pairs, 3, task_pairs=task_pairs)
        assert_same(CompleteLinkage(labels, merges, len(X) - len(merges)), wanted)


@pytest.mark.parametrize("divisor", ["length", 255])
def test_heights_of_pairs_that_are_equal_but_for_rounding(divisor):
    """They are the largest in SciPy's order of summation, whatever pair was the farthest in another."""
    X = np.random.default_rng(2).binomial(3, 0.1, (400, 40)).astype(np.float64) + np.eye(400, 40)
    X /= np.linalg.norm(X, axis=1, keepdims=True) if divisor == "length" else divisor
    distances = squared_distances(X)
    threshold = float(np.median(distances))
    wanted = climb(X, threshold, ALL)
    assert_is_a_complete_linkage(wanted, distances, threshold)
    for max_pairs in (100, 1000, 10_000):
        assert_same(climb(X, threshold, max_pairs), wanted)
    merges, labels, n_rungs = climb_in_blocks(X, threshold, 1000, 3)
    assert_same(CompleteLinkage(labels, merges, len(X) - len(merges)), wanted)
    assert n_rungs > 2


# ---- more pairs at one distance than a rung holds: blocks of samples, or pairs that merge once


@settings(deadline=None, max_examples=200)
@given(
    n=st.integers(2, 40),
    share=st.floats(0.05, 1),
    max_pairs=st.integers(1, 60),
    seed=st.integers(0, 2**16),
    halves=st.booleans(),
)
def test_any_graph_of_pairs_at_the_smallest_distance(n, share, max_pairs, seed, halves):
    """With the pool's own steps, for no points have such distances: near within the graph, far or nowhere elsewhere."""
    rng = np.random.default_rng(seed)
    left, right = np.triu_indices(n, 1)
    is_near = rng.random(len(left)) < share
    if halves:  # no two of a half are near: whoever merges does so once
        is_near &= (left < n // 2) != (right < n // 2)
    distances = np.where(is_near, 1.0, rng.choice([2.0, 3.0, np.inf], len(left)))
    there = np.isfinite(distances)
    square = squareform(distances)
    wanted = linkage_in_order(square, np.inf)

    rungs, everything = _core.Rungs(np.arange(n, dtype=np.int32), None, max_pairs), False
    while rungs.n_clusters > 1 and not everything:
        names = rungs.labels()
        firsts = np.unique(names)
        between = np.array([[square[np.ix_(names == a, names == b)].max() for b in firsts] for a in firsts])
        a, b = np.triu_indices(len(firsts), 1)
        a, b = a[np.isfinite(between[a, b])], b[np.isfinite(between[a, b])]
        pool = _core.PairPool(max_pairs, np.inf)
        for part in np.array_split(rng.permutation(len(a)), 3):
            pairs = np.stack([firsts[a[part]], firsts[b[part]]], 1).astype(np.int32)
            pool.add(between[a[part], b[part]], pairs, False)
        everything = not pool.was_cut
        sources = rungs.merge(pool)
        assert len(sources) > 0 or len(a) == 0
        rungs.add(np.array([square[np.ix_(names == one, names == other)].max() for one, other in sources]))
    merges, labels = rungs.result()
    assert_same(CompleteLinkage(labels, merges, n - len(merges)), wanted)
    assert there.sum() >= is_near.sum()


def test_as_many_of_a_distance_as_a_rung_holds():
    """All within one block of eight, none of which a block of four has."""
    pairs = np.array([(i, j) for i in range(4) for j in range(4, 8)] + [(8, 9)], np.int32)
    rungs = _core.Rungs(np.arange(10, dtype=np.int32), None, 3)
    pool = _core.PairPool(3, np.inf)
    pool.add(np.ones(len(pairs)), pairs, False)
    assert rungs.merge(pool).tolist() == [[8, 9]]  # alone below the last power of two
    rungs.add(np.ones(1))
    pool = _core.PairPool(3, np.inf)
    pool.add(np.ones(16), pairs[:16], False)
    rungs.merge(pool)
    rungs.add(np.ones(3))
    assert rungs.labels().tolist() == [0, 1, 2, 3, 0, 1, 2, 7, 8, 8]


# ---- dissimilarities


@settings(deadline=None, max_examples=100)
@given(
    n=st.integers(2, 40),
    levels=st.integers(1, 6),
    seed=st.integers(0, 2**16),
    linkage=st.sampled_from(LINKAGES),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_dissimilarities_merge_in_the_same_order(n, levels, seed, linkage, dtype):
    condensed = np.random.default_rng(seed).integers(0, levels, n * (n - 1) // 2).astype(np.float64)
    square = squareform(condensed)
    wanted = linkage_in_order(square, np.inf, linkage)
    merges, labels = _core.dense_linkage(condensed.astype(dtype), n, linkage, np.inf, None, NO_PAIRS)
    if linkage == "complete":
        assert_same(CompleteLinkage(labels, merges, n - len(merges)), wanted)
        merges, labels = linkage_of_graph(np.where(np.eye(n, dtype=bool), np.inf, square))
        assert_same(CompleteLinkage(labels, merges, n - len(merges)), wanted)
    else:
        np.testing.assert_array_equal(merges[:, [0, 1, 3]], wanted.merges[:, [0, 1, 3]])
        np.testing.assert_allclose(merges[:, 2], wanted.merges[:, 2], rtol=np.finfo(dtype).eps)
