"""What the driver knows of blocks: what is proved of their distance, what is equal, where clusters go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast._utils.extras import is_installed
from bcl_fast.cluster._workers import prepared
from bcl_fast.distributed import _tasks
from bcl_fast.distributed._arrange import near_together
from bcl_fast.distributed._blocks import first_identical, load
from bcl_fast.distributed._bounds import gaps_of_reaches
from bcl_fast.distributed._linkage import spread_out
from bcl_fast.distributed._work import memory_of_task


@given(seed=st.integers(0, 2**16), far=st.floats(0, 1e8), spread=st.floats(1e-9, 30), dtype=st.sampled_from("fd"))
def test_nothing_is_proved_that_is_not_so(seed, far, spread, dtype):
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, 9))
    blocks = [
        (far + spread * rng.normal(size=dim) + rng.normal(size=(int(rng.integers(1, 30)), dim))).astype(dtype)
        for _ in range(4)
    ]
    centers = np.array([block.mean(axis=0) for block in blocks], np.float64)
    answers = np.array([_tasks.reaches(block, b, centers) for b, block in enumerate(blocks)])
    gaps = gaps_of_reaches(answers[:, :-1], answers[:, -1], centers)
    for one in range(4):
        for other in range(4):
            if one != other:
                nearest = cdist(blocks[one].astype(float), blocks[other].astype(float), "sqeuclidean").min()
                assert gaps[one, other] <= nearest


def test_blocks_apart_are_proved_to_be():
    rng = np.random.default_rng(0)
    blocks = [rng.normal(size=(50, 16)) + 30 * np.eye(16)[b] for b in range(3)]
    centers = np.array([block.mean(axis=0) for block in blocks])
    answers = np.array([_tasks.reaches(block, b, centers) for b, block in enumerate(blocks)])
    gaps = gaps_of_reaches(answers[:, :-1], answers[:, -1], centers)
    assert (gaps[~np.eye(3, dtype=bool)] > 1000).all()


@pytest.mark.skipif(not is_installed("ray"), reason="Ray is not installed: pip install 'bcl-fast[ray]'")
def test_rows_of_one_hash_are_told_apart(workers):
    from functools import partial

    from bcl_fast.distributed._workers import Workers

    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (60, 2)).astype(np.float64)
    X[rng.random((60, 2)) < 0.1] *= -1  # -0 is 0
    alone = rng.random(60) < 0.1
    blocks, hashes = load(Workers(), X, partial(prepared, metric="sqeuclidean"), 60, 4)
    assert len(np.unique(hashes)) == len(np.unique(X, axis=0))
    found = first_identical(Workers(), blocks, np.zeros(60, np.uint64), alone)
    for i in range(60):
        equal = [j for j in range(60) if not alone[j] and (X[i] == X[j]).all()]
        assert found[i] == (i if alone[i] else equal[0])


def test_clusters_move_out_of_blocks_that_are_too_large():
    home, sizes = np.array([0, 0, 0, 1, 2], np.int32), np.array([5, 4, 3, 2, 9])
    spread_out(home, sizes, 3, 9)
    assert home.tolist() == [0, 0, 1, 1, 2]
    alone = np.array([0, 1], np.int32)
    spread_out(alone, np.array([100, 1]), 2, 9)  # a cluster is never cut
    assert sorted(alone.tolist()) in ([0, 1], [1, 1])


def test_near_groups_stand_together():
    rng = np.random.default_rng(0)
    places = rng.permutation(np.repeat(np.arange(4), 8))
    centers = 10 * places[:, None] * np.eye(5)[0] + 0.1 * rng.normal(size=(32, 5))
    order = near_together(centers, np.full(32, 3, np.int32), 4)
    assert sorted(order.tolist()) == list(range(32))
    assert all(len(set(part)) == 1 for part in np.split(places[order], 4))


def test_memory_of_a_task_holds_what_it_says():
    assert memory_of_task(None, (10**9, 64), 4, 77).rows_per_block is None
    small, large = (memory_of_task(limit, (10**9, 64), 4, 10**9) for limit in (10**8, 10**9))
    assert large.rows_per_block == pytest.approx(10 * small.rows_per_block, rel=0.01)
    assert 2 * large.rows_per_block * (64 * 16 + 352) + 96 * large.max_pairs <= 10**9
