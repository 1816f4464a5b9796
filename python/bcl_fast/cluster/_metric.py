"""The units of a distance threshold: squared Euclidean inside, whatever the caller measures in outside."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError

Metric = Literal["sqeuclidean", "euclidean", "cosine", "precomputed"]
METRICS = ("sqeuclidean", "euclidean", "cosine", "precomputed")


def check_metric(metric: str) -> None:
    """Refuse anything but the four metrics."""
    if not isinstance(metric, str) or metric not in METRICS:
        raise InputError(f"metric must be one of {', '.join(map(repr, METRICS))}, got {brief(metric)}")


def to_squared_euclidean(points: npt.NDArray[Any], threshold: float, metric: str) -> tuple[npt.NDArray[Any], float]:
    """Return points and a threshold whose squared Euclidean distances decide as ``metric`` does.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features), float32 or float64
        Finite.
    threshold : float
        In the metric's unit, >= 0.
    metric : {"sqeuclidean", "euclidean", "cosine"}
        For the cosine distance ``1 - cos`` points are scaled to unit length: half the squared distance.
    """
    if metric == "euclidean":
        return points, _largest_square(threshold)
    if metric == "cosine":
        return _unit(points), 2 * threshold
    return points, threshold


def from_squared_euclidean(heights: npt.NDArray[np.float64], metric: str) -> npt.NDArray[np.float64]:
    """Return squared Euclidean distances in the metric's unit."""
    if metric == "euclidean":
        return np.sqrt(heights)
    return heights / 2 if metric == "cosine" else heights


def _unit(points: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return points scaled to unit length in float64; where squares would leave its range, in two steps."""
    points = points.astype(np.float64)
    lengths = np.linalg.norm(points, axis=1)
    extreme = ~((lengths > 1e-140) & (lengths < 1e140))
    if extreme.any():
        largest = np.abs(points[extreme]).max(axis=1, initial=0)
        if not largest.all():
            row = np.flatnonzero(extreme)[largest.argmin()]
            raise InputError(f"the cosine distance needs vectors other than zero, got zeros in row {row}")
        points[extreme] /= largest[:, None]
        lengths[extreme] = np.linalg.norm(points[extreme], axis=1)
    return points / lengths[:, None]


def _largest_square(threshold: float) -> float:
    """Return the largest number whose square root is at most the threshold."""
    square = threshold * threshold
    while np.sqrt(square) > threshold:
        square = float(np.nextafter(square, 0))
    above = float(np.nextafter(square, np.inf))
    while np.isfinite(square) and np.sqrt(above) <= threshold:
        square, above = above, float(np.nextafter(above, np.inf))
    return square
