"""The radius that suits embeddings best: where the ball loss is least."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bcl_fast.losses import fit_squared_radius
from tests.helpers.ball_loss import ball_loss_reference


def loss_at(squared_radius: np.ndarray, points: np.ndarray, labels: np.ndarray, **options: object) -> list[float]:
    raws = torch.from_numpy(squared_radius + np.log(-np.expm1(-squared_radius)))
    args = torch.from_numpy(points).double(), torch.from_numpy(labels)
    return [float(ball_loss_reference(*args, raw, **options)) for raw in raws]


@settings(deadline=None, max_examples=40)
@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=25),
    seed=st.integers(0, 2**16),
    sphere=st.booleans(),
    spread=st.floats(0.01, 3),
)
@example(labels=[0, 0, 0, 0], seed=48860, sphere=False, spread=30.0)  # squared distances of 1,000
def test_the_radius_minimises_the_ball_loss(labels, seed, sphere, spread):
    rng, own = np.random.default_rng(seed), np.array(labels)
    points = rng.standard_normal((5, 3))[own] + spread * rng.standard_normal((len(own), 3))
    points = points.astype(np.float32)
    found = fit_squared_radius(points, own, space="sphere" if sphere else "euclidean")
    points = points.astype(np.float64)
    points = points / np.linalg.norm(points, axis=1, keepdims=True) if sphere else points
    options = {"alpha": 4.0, "margin": 0.05, "sphere": sphere}
    grid = loss_at(np.geomspace(1e-4, 3000, 100), points, own, **options)
    assert found > 0
    assert loss_at(np.array([found]), points, own, **options)[0] <= min(grid) + 1e-8


def test_separated_balls_get_the_largest_own_distance():
    points = np.array([[0.0], [0.2], [9.0], [9.6]], np.float32)
    assert fit_squared_radius(points, np.array([3, 3, 7, 7]), space="euclidean") == pytest.approx(0.09, rel=1e-5)
