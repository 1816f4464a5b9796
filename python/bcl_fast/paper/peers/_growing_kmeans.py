"""K-means that finds K by splitting clusters: X-means and G-means, the paper's unsupervised peers."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.types import Points

Test = Callable[[Points, NDArray[np.int64]], bool]

LEAST_OF_TEST = 8  # points; with fewer, the test of normality says nothing
CRITICAL_VALUE = 1.8692  # of the corrected Anderson-Darling statistic at the level 0.0001, as Hamerly and Elkan choose


def xmeans(points: Points, *, seed: int = 0) -> NDArray[np.int64]:
    """Split clusters in two as long as the Bayesian information criterion prefers two spherical Gaussians to one.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features)
    seed : int, default=0
        Of the starts of K-means.

    Returns
    -------
    ndarray of shape (n_samples,), int64
        Clusters, numbered by first appearance.

    References
    ----------
    Pelleg, Moore. X-means: Extending K-means with Efficient Estimation of the Number of Clusters. ICML 2000.
    """
    return _grow(np.asarray(points, np.float64), prefers_two, seed)


def gmeans(points: Points, *, seed: int = 0) -> NDArray[np.int64]:
    """Split clusters in two as long as their points, along the line between the two, are not normally distributed.

    Parameters and result are those of `xmeans`.

    References
    ----------
    Hamerly, Elkan. Learning the k in k-means. NeurIPS 2003.
    """
    return _grow(np.asarray(points, np.float64), is_not_normal, seed)


def _grow(points: Points, wants_split: Test, seed: int) -> NDArray[np.int64]:
    """Split each cluster that wants it, move all centres by K-means, and again until none does."""
    labels = np.zeros(len(points), np.int64)
    whole: set[bytes] = set()  # clusters that did not want it, by their members
    while True:
        centres, grown = [], False
        for cluster in range(int(labels.max()) + 1):
            members = labels == cluster
            own, key = points[members], members.tobytes()
            halves = None if key in whole else _halves(own, seed)
            if halves is not None and wants_split(own, halves):
                centres += [own[halves == half].mean(axis=0) for half in (0, 1)]
                grown = True
            else:
                whole.add(key)
                centres.append(own.mean(axis=0))
        if not grown:
            return labels
        moved = by_first_appearance(_kmeans(points, np.array(centres)))
        if moved.max() <= labels.max():
            return labels
        labels = moved


def _halves(points: Points, seed: int) -> NDArray[np.int64] | None:
    """Two clusters of points by K-means; None where all points are one."""
    from sklearn.cluster import KMeans

    if len(points) < 2 or not np.ptp(points, axis=0).any():
        return None
    return np.asarray(KMeans(2, n_init=3, random_state=seed).fit_predict(points), np.int64)


def _kmeans(points: Points, centres: Points) -> NDArray[Any]:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(len(centres), init=centres, n_init=1).fit_predict(points))


def prefers_two(points: Points, halves: NDArray[np.int64]) -> bool:
    """Whether two spherical Gaussians of one variance have a higher BIC than one."""
    return _bic(points, halves) > _bic(points, np.zeros_like(halves))


def _bic(points: Points, labels: NDArray[np.int64]) -> float:
    """Bayesian information criterion of spherical Gaussians that share one variance (Pelleg and Moore, section 3.2)."""
    n_samples, n_features = points.shape
    sizes = np.bincount(labels)
    squared = sum(len(own) * float(own.var(axis=0).sum()) for own in (points[labels == c] for c in range(len(sizes))))
    freedom = n_features * (n_samples - len(sizes))
    if freedom == 0 or squared == 0:
        return math.inf if squared == 0 and freedom > 0 else -math.inf
    log_density = -0.5 * n_features * n_samples * math.log(2 * math.pi * squared / freedom) - 0.5 * freedom
    log_prior = float(sizes @ np.log(sizes / n_samples))
    n_parameters = len(sizes) - 1 + len(sizes) * n_features + 1
    return log_density + log_prior - 0.5 * n_parameters * math.log(n_samples)


def is_not_normal(points: Points, halves: NDArray[np.int64]) -> bool:
    """Whether points on the line between the centres of two halves fail the Anderson-Darling test at level 0.0001."""
    direction = points[halves == 1].mean(axis=0) - points[halves == 0].mean(axis=0)
    return len(points) >= LEAST_OF_TEST and anderson_darling(points @ direction) > CRITICAL_VALUE


def anderson_darling(values: NDArray[np.float64]) -> float:
    """Anderson-Darling statistic of normality, mean and variance estimated, corrected for the number of values."""
    from scipy.stats import anderson

    n = len(values)
    if np.ptp(values) == 0:
        return 0.0
    with warnings.catch_warnings():  # SciPy 1.17 wants to be told how to find a p-value, older ones cannot be
        warnings.simplefilter("ignore", FutureWarning)
        statistic = float(anderson(values).statistic)
    return statistic * (1 + 4 / n - 25 / n**2)
