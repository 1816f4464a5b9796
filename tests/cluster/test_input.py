"""How much memory a clustering takes by default, and what its input may have been meant for."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from bcl_fast import BallClustering, complete_linkage, linkage
from bcl_fast.cluster import _input
from bcl_fast.cluster._input import rung_memory


def points_of(n_samples: int) -> np.ndarray:
    return np.broadcast_to(np.zeros(64, np.float32), (n_samples, 64))


def test_a_large_clustering_takes_three_quarters_of_what_is_free(monkeypatch):
    wanted = rung_memory(points_of(1_000_000), 10**12)
    assert wanted.may_copy
    monkeypatch.setattr(_input, "free_memory", lambda: 2 * 10**12)
    assert rung_memory(points_of(1_000_000), None) == wanted
    monkeypatch.setattr(_input, "free_memory", lambda: 1_600_000_000)
    assert rung_memory(points_of(1_000_000), None) == rung_memory(points_of(1_000_000), 1_200_000_000)
    assert rung_memory(points_of(1_000_000), 1_200_000_000).max_pairs < wanted.max_pairs


def test_pairs_give_way_before_the_copy_does():
    much, little, least = (rung_memory(points_of(10**7), limit * 10**9) for limit in (15, 10, 9))
    assert much.may_copy
    assert little.may_copy
    assert not least.may_copy
    assert 10**7 <= little.max_pairs < much.max_pairs
    assert least.max_pairs > little.max_pairs  # where there is no copy there is room for more


def test_a_small_one_does_not_ask(monkeypatch):
    monkeypatch.setattr(_input, "free_memory", lambda: pytest.fail("it takes longer than the clustering"))
    assert rung_memory(points_of(20_000), None)[:2] == rung_memory(points_of(20_000), 10**12)[:2]


@pytest.mark.parametrize("cluster", [linkage, lambda X: complete_linkage(X, 1.0), lambda X: BallClustering(1.0).fit(X)])
def test_a_matrix_of_distances_that_is_given_as_vectors_is_noticed(cluster):
    square = squareform(pdist(np.random.default_rng(0).normal(size=(20, 3))))
    with pytest.warns(
        UserWarning, match=r"^X \(20 x 20, symmetric, >= 0, zeros on the diagonal\) looks like a matrix of"
    ):
        cluster(square)


@pytest.mark.parametrize("X", [np.eye(4), np.zeros((4, 4)), np.ones((4, 4)), -np.ones((3, 3)) + np.eye(3), [[0.0]]])
def test_other_square_samples_are_not(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        complete_linkage(X, 1.0)
    complete_linkage(np.ones((3, 3)) - np.eye(3), 1.0, metric="precomputed")
