"""The squared radius that suits given embeddings best, whatever loss they were trained with."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bcl_fast.losses._ball_loss_kernels import BallLossOptions
from bcl_fast.losses._ball_loss_op import ball_loss

BISECTIONS = 40  # halve the interval of the squared radius to a relative width of 1e-12, below float32


def fit_squared_radius(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    *,
    alpha: float = 4.0,
    margin: float = 0.05,
    space: Literal["sphere", "euclidean"] = "sphere",
) -> float:
    """Squared radius of the balls that suit fixed embeddings best: the smallest minimiser of the ball loss.

    The loss is convex and piecewise linear in the squared radius, so its slope is found by bisection.

    Parameters
    ----------
    embeddings : ndarray of shape (n_samples, n_features), float32
        Of unit norm on the sphere.
    labels : ndarray of shape (n_samples,), int64
        Identities.
    alpha, margin, space
        As for `bcl_fast.BallLoss`.

    Returns
    -------
    float
        Positive.
    """
    points, own = torch.from_numpy(embeddings), torch.from_numpy(np.unique(labels, return_inverse=True)[1])
    options = BallLossOptions(int(own.max()) + 1, alpha, margin, space == "sphere", check_finite=False)

    def falls(squared_radius: float) -> bool:
        raw = torch.tensor(squared_radius + math.log(-math.expm1(-squared_radius)), requires_grad=True)
        loss, _ = ball_loss(points, own, raw, options)
        return float(torch.autograd.grad(loss, raw)[0]) < 0

    low, high = 0.0, 1.0
    while falls(high):
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) else (low, middle)
    return high
