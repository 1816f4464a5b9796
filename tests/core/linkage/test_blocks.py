"""A rung found in parts: pairs of blocks of clusters, and the merges without the points, give what one call gives."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast import _core
from tests.helpers.linkage import NO_PAIRS, climb, identities

SINGLE = _core.Execution(1)


def points_of(name: str) -> tuple[npt.NDArray[Any], float]:
    rng = np.random.default_rng(3)
    return {
        "identities": (identities(900, 12), 0.7),
        "float64": (identities(700, 9).astype(np.float64), np.inf),
        "ties": (rng.integers(0, 4, (600, 4)).astype(np.float32), 9.0),
        "large enough for bytes": (identities(5000, 24), 0.5),
    }[name]


def pairs_in_blocks(
    X: npt.NDArray[Any],
    clusters: dict[int, npt.NDArray[Any]],
    blocks: list[npt.NDArray[Any]],
    pool: _core.PairPool,
    threshold: float,
    max_pairs: int,
    *,
    cannot_link: npt.NDArray[np.int32] = NO_PAIRS,
    grouped: bool = False,
) -> None:
    """Hand every pair of blocks of clusters to the pool."""
    for one, other in combinations_with_replacement(range(len(blocks)), 2):
        ranks = blocks[one] if one == other else np.concatenate([blocks[one], blocks[other]])
        members = [clusters[rank] for rank in ranks]
        local = np.repeat(np.arange(len(ranks)), [len(points) for points in members]).astype(np.int32)
        offsets = [0, len(blocks[one]), len(ranks)] if grouped else []
        found = _core.closest_pairs(
            X[np.concatenate(members)],
            local,
            ranks,
            sorted(set(offsets)),
            len(blocks[one]),
            threshold,
            pool.largest,
            max_pairs,
            cannot_link,
            SINGLE,
        )
        pool.add(*found)


def climb_in_blocks(
    X: npt.NDArray[Any],
    threshold: float,
    max_pairs: int,
    n_blocks: int,
    *,
    task_pairs: int | None = None,
    cannot_link: npt.NDArray[np.int32] = NO_PAIRS,
    groups: npt.NDArray[np.int32] | None = None,
    grouped: bool = False,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
    """As the core's linkage, with blocks dealt anew for each rung; also the number of rungs."""
    first = np.unique(X, axis=0, return_index=True, return_inverse=True)
    identical = first[1][first[2].ravel()].astype(np.int32)
    alone = _core.constrained_points(len(X), groups, cannot_link)
    identical[alone] = np.flatnonzero(alone)
    if alone.any() and len(first[1]) < len(X):
        raise NotImplementedError
    rungs, n_rungs, everything = _core.Rungs(identical, groups, max_pairs), 0, False
    distinct = np.flatnonzero(identical == np.arange(len(X)))
    while rungs.n_clusters > 1 and not everything:
        n_rungs += 1
        labels = rungs.labels()
        firsts, number = np.unique(labels[distinct], return_inverse=True)
        assert len(firsts) == rungs.n_clusters
        clusters = {first: distinct[labels[distinct] == first] for first in firsts}
        order = np.random.default_rng(n_rungs).permutation(firsts)
        blocks = np.array_split(order, n_blocks)
        separated = np.unique(labels[cannot_link], axis=0).astype(np.int32).reshape(-1, 2)
        points, of, rows, columns = rungs.sample()
        guess = _core.guess_reach(X[points], of, rows, columns, threshold, rungs.n_clusters, max_pairs)
        for largest in [guess, np.inf] if guess < threshold else [np.inf]:
            pool = _core.PairPool(max_pairs, largest)
            pairs_in_blocks(
                X, clusters, blocks, pool, threshold, task_pairs or max_pairs, cannot_link=separated, grouped=grouped
            )
            if largest == np.inf or pool.size > rungs.fewest_of_guess:
                break
        everything = largest == np.inf and not pool.was_cut
        sources = rungs.merge(pool)
        pairs = np.searchsorted(firsts, sources).astype(np.int32)
        distances = _core.exact_distances(X[distinct], number.ravel().astype(np.int32), rungs.n_clusters, pairs)
        rungs.add(distances)
    return *rungs.result(), n_rungs


@pytest.mark.parametrize("name", ["identities", "float64", "ties", "large enough for bytes"])
@pytest.mark.parametrize("grouped", [False, True])
def test_blocks_find_what_one_call_finds(name, grouped):
    X, threshold = points_of(name)
    whole = climb(X, threshold, 4 * len(X))
    merges, labels, n_rungs = climb_in_blocks(X, threshold, 4 * len(X), 3, grouped=grouped)
    np.testing.assert_array_equal(merges, whole.merges)
    np.testing.assert_array_equal(labels, whole.labels)
    assert n_rungs > 1


@pytest.mark.parametrize("threshold", [0.7, np.inf])
def test_where_few_of_all_pairs_are_wanted_a_sample_is_searched(threshold):
    X, max_pairs = identities(9000, 12), 8000
    rungs = _core.Rungs(np.arange(9000, dtype=np.int32), None, max_pairs)
    points, of, rows, columns = rungs.sample()
    assert rows == columns
    assert len(rows) == len(points) == 4096
    guess = _core.guess_reach(X[points], of, rows, columns, threshold, 9000, max_pairs)
    found = sum((_core.closest_pairs(X, *all_alone(9000, np.inf, guess))[0] <= guess).tolist())
    assert 0.5 < found / max_pairs < 0.7
    assert _core.guess_reach(X[points], of, rows, columns, guess / 2, 9000, max_pairs) == np.inf
    merges, labels, _ = climb_in_blocks(X, 0.3, max_pairs, 2)
    whole = climb(X, 0.3, max_pairs)
    np.testing.assert_array_equal(merges, whole.merges)
    np.testing.assert_array_equal(labels, whole.labels)


def all_alone(n: int, threshold: float, largest: float) -> tuple[Any, ...]:
    """Arguments of a search among n points, each a cluster."""
    numbers = np.arange(n, dtype=np.int32)
    return numbers, numbers, [], n, threshold, largest, 10**7, NO_PAIRS, SINGLE


def test_constraints_hold_between_blocks():
    X, threshold = points_of("identities")
    cannot_link = np.random.default_rng(0).integers(0, 900, (300, 2)).astype(np.int32)
    cannot_link = cannot_link[cannot_link[:, 0] != cannot_link[:, 1]]
    whole = climb(X, threshold, 2000, cannot_link=cannot_link)
    assert whole.n_clusters > climb(X, threshold, 2000).n_clusters
    merges, labels, _ = climb_in_blocks(X, threshold, 2000, 4, cannot_link=cannot_link)
    np.testing.assert_array_equal(merges, whole.merges)
    np.testing.assert_array_equal(labels, whole.labels)


def test_parts_that_hold_fewer_pairs_end_a_rung_earlier():
    X, threshold = points_of("identities")
    whole = climb(X, threshold, 5000)
    merges, labels, n_rungs = climb_in_blocks(X, threshold, 5000, 3, task_pairs=150)
    assert n_rungs > climb_in_blocks(X, threshold, 5000, 3)[2]
    np.testing.assert_array_equal(labels, whole.labels)
    np.testing.assert_array_equal(merges, whole.merges)


def test_pool_is_a_function_of_the_set_of_pairs():
    rng = np.random.default_rng(1)
    pairs = np.array([(i, j) for j in range(40) for i in range(j)], np.int32)
    distances = rng.integers(0, 12, len(pairs)).astype(np.float64)  # ties
    key = np.lexsort((pairs[:, 0], pairs[:, 1] ^ pairs[:, 0], distances))
    for max_pairs in (1, 50, 400, 1000):
        rungs = [_core.Rungs(np.arange(40, dtype=np.int32), None, max_pairs) for _ in range(3)]
        found = []
        for rung in rungs:
            pool = _core.PairPool(max_pairs, np.inf)
            for part in np.array_split(rng.permutation(len(pairs)), 7):
                pool.add(distances[part], pairs[part], False)
            assert pool.was_cut == (len(pairs) > 2 * max_pairs)
            found.append(sorted(rung.merge(pool).tolist()))
        assert found[0] == found[1] == found[2]
        assert pool.largest == (distances[key[max_pairs - 1]] if pool.was_cut else np.inf)


def test_hashes_and_groups_of_parts():
    X = identities(3000, 16)
    np.testing.assert_array_equal(_core.row_hashes(X)[1000:], _core.row_hashes(X[1000:]))
    assert len(np.unique(_core.row_hashes(X))) == 3000
    assert _core.row_hashes(np.zeros((1, 3))) == _core.row_hashes(np.full((1, 3), -0.0))
    order, offsets = _core.point_groups(X, 0.6)
    assert sorted(order.tolist()) == list(range(3000))
    assert 50 < len(offsets) - 1 < 1000
    centers = np.array([X[group].mean(0) for group in np.split(order, offsets[1:-1])])
    found = _core.nearest_groups(np.concatenate([centers, X]), len(centers), 1e9)
    distances = ((X[:, None] - centers[None]) ** 2).sum(2)
    near = distances[np.arange(3000), found] <= distances.min(1) + 0.05
    assert near.mean() > 0.99
    assert (_core.nearest_groups(np.concatenate([centers, X + 50]), len(centers), 0.1) == -1).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"clusters": np.array([0, 2], np.int32)}, r"clusters must lie in \[0, n\)"),
        ({"clusters": np.array([0], np.int32)}, "clusters must have one entry per point"),
        ({"clusters": np.array([0, 0], np.int32)}, "clusters must not be empty"),
        ({"ranks": [0, -1]}, r"ranks must lie in \[0, n\)"),
        ({"group_offsets": [0, 3]}, "group_offsets must ascend from 0 to n"),
        ({"n_rows": 3}, r"n_rows must lie in \[0, n\]"),
        ({"max_pairs": 0}, "max_pairs must be >= 1"),
        ({"cannot_link": np.array([[0, -7]], np.int32)}, r"cannot_link must lie in \[0, n\)"),
    ],
)
def test_arguments_of_blocks_are_checked(change, says):
    arguments: dict[str, Any] = {
        "points": np.eye(2),
        "clusters": np.array([0, 1], np.int32),
        "ranks": [0, 1],
        "group_offsets": [],
        "n_rows": 2,
        "distance_threshold": 3.0,
        "largest": np.inf,
        "max_pairs": 4,
        "cannot_link": NO_PAIRS,
    }
    assert _core.closest_pairs(**arguments)[0].tolist() == [2.0]
    with pytest.raises(ValueError, match=says):
        _core.closest_pairs(**(arguments | change))


def test_steps_of_a_rung_are_checked():
    rungs = _core.Rungs(np.arange(3, dtype=np.int32), None, 4)
    with pytest.raises(ValueError, match="distances must have one entry for each pair that merge returned"):
        rungs.add(np.zeros(0))
    pool = _core.PairPool(4, np.inf)
    pool.add(np.array([1.0]), np.array([[1, 3]], np.int32), False)
    with pytest.raises(ValueError, match="pairs must be of clusters' first points, the smaller first"):
        rungs.merge(pool)
    with pytest.raises(ValueError, match="first_identical must name no later point"):
        _core.Rungs(np.array([1, 1], np.int32), None, 4)
    rungs.result()
    with pytest.raises(ValueError, match="the result was taken"):
        rungs.labels()
