"""Samples averaged with their nearest neighbours: against a slow twin, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast.cluster import average_neighbors
from bcl_fast.errors import InputError


def twin(points, threshold, n_neighbors, normalize, cannot_link=()):
    apart = {frozenset(pair) for pair in cannot_link}
    means = []
    for i, point in enumerate(points):
        near = []
        for j, other in enumerate(points):
            distance = float(((point.astype(np.float64) - other) ** 2).sum())
            if i != j and distance <= threshold and frozenset((i, j)) not in apart:
                near.append((np.float32(distance), j))
        mean, total = point.astype(np.float64), 1.0
        for distance, j in sorted(near)[:n_neighbors]:
            weight = max(1 - float(distance) / threshold, 0) if threshold > 0 else 0.0
            mean, total = mean + weight * points[j], total + weight
        means.append(mean / (np.linalg.norm(mean) if normalize else total))
    return np.array(means)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("n_neighbors", [1, 3, 100])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 4.0])
def test_it_is_the_mean_that_the_definition_says(threshold, n_neighbors, normalize):
    rng = np.random.default_rng(n_neighbors)
    points = rng.standard_normal((50, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[7] = points[3]
    cannot_link = np.array([[3, 7], [0, 1]])
    for pairs in ((), cannot_link):
        found = average_neighbors(
            points, threshold, n_neighbors=n_neighbors, normalize=normalize, cannot_link=np.reshape(pairs, (-1, 2))
        )
        np.testing.assert_allclose(found, twin(points, threshold, n_neighbors, normalize, pairs), atol=1e-6)


def test_of_neighbours_equally_near_those_of_lower_rows_count():
    points = np.array([[0.0], [1.0], [-1.0], [50.0]])
    assert average_neighbors(points, 2.0, n_neighbors=1, normalize=False).ravel().tolist() == pytest.approx(
        [1 / 3, 2 / 3, -2 / 3, 50]
    )


@pytest.mark.parametrize("n_jobs", [1, 2, 5])
def test_the_bits_depend_on_no_number_of_threads(n_jobs):
    points = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    assert np.array_equal(average_neighbors(points, 6.0, n_jobs=n_jobs), average_neighbors(points, 6.0, n_jobs=3))


def test_the_edges():
    assert average_neighbors(np.empty((0, 3)), 1.0).shape == (0, 3)
    assert average_neighbors([[0.6, 0.8]], 1.0)[0].tolist() == pytest.approx([0.6, 0.8])
    assert average_neighbors(np.zeros((2, 3)), 1.0).tolist() == [[0.0] * 3] * 2  # no direction stays none
    assert average_neighbors(np.ones((2, 1), np.float32), np.inf).dtype == np.float32
    with pytest.raises(InputError, match="n_neighbors must be at least 1, got 0"):
        average_neighbors([[1.0]], 1.0, n_neighbors=0)
    with pytest.raises(InputError, match="distance_threshold"):
        average_neighbors([[1.0]], -1.0)
