"""The squared radius that suits given embeddings best, whatever loss they were trained with."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.checks import real_number
from bcl_fast.losses._ball_loss_checks import check_space
from bcl_fast.losses._ball_loss_kernels import BallLossOptions
from bcl_fast.losses._ball_loss_op import ball_loss
from bcl_fast.losses._inputs import as_batch

BISECTIONS = 40  # halve the interval of the squared radius to a relative width of 1e-12


def fit_squared_radius(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: float = 4.0,
    margin: float = 0.05,
    space: Literal["sphere", "euclidean"] = "sphere",
) -> float:
    """Squared radius of the balls that suit fixed embeddings best: the smallest minimiser of the ball loss.

    The loss is convex and piecewise linear in the squared radius, so its slope is found by bisection.

    Parameters
    ----------
    embeddings : array-like of shape (n_samples, n_features), float
        On the sphere they are scaled to unit length.
    labels : array-like of shape (n_samples,)
        Identities.
    alpha, margin, space
        As for `bcl_fast.BallLoss`.

    Returns
    -------
    float
        Positive.

    Raises
    ------
    ValueError
        If embeddings are not finite, not one for each label, or the space is none.
    TypeError
        If embeddings are no floating-point numbers.
    """
    check_space(space)
    alpha, margin = real_number("alpha", alpha), real_number("margin", margin)
    numbers = np.unique(as_array(labels, "labels"), return_inverse=True)[1]
    given, own = (part.detach().cpu() for part in as_batch(embeddings, numbers))
    points = given.double()  # in float32, squared distances of 100 are rounded by 1e-5, and with them the minimum
    if not torch.isfinite(points).all():
        raise ValueError("embeddings must be finite, got NaN or infinity")
    on_sphere = space == "sphere"
    options = BallLossOptions(
        len(np.unique(numbers)), alpha, margin, on_sphere, check_finite=False, normalize=on_sphere
    )

    def falls(squared_radius: float) -> bool:
        raw = torch.tensor(
            squared_radius + math.log(-math.expm1(-squared_radius)), dtype=torch.float64, requires_grad=True
        )
        loss, _ = ball_loss(points, own, raw, options)
        return float(torch.autograd.grad(loss, raw)[0]) < 0

    low, high = 0.0, 1.0
    while falls(high):
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) else (low, middle)
    return high
