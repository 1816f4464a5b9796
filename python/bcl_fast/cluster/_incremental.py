"""New samples beside clusters that there are: which of them they may join, and what complete linkage makes of both."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast._utils.threads import n_threads
from bcl_fast.cluster._constraints import Constraints, resolve_constraints
from bcl_fast.cluster._input import check_points, check_threshold
from bcl_fast.cluster._linkage import merge_points
from bcl_fast.cluster._metric import Metric, to_squared_euclidean
from bcl_fast.cluster._result import CompleteLinkage


def extend_clusters(
    X: npt.ArrayLike,
    labels: npt.ArrayLike,
    distance_threshold: float,
    *,
    metric: Metric = "sqeuclidean",
    cannot_link: npt.ArrayLike | None = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
) -> CompleteLinkage:
    """Go on with complete linkage from clusters that there are.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        As in `complete_linkage`.
    labels : array-like of shape (n_samples,), int
        Clusters to begin with, numbered from 0 by first appearance; a new sample is a cluster of its own.
    distance_threshold, metric, cannot_link, memory_limit, n_jobs
        As in `complete_linkage`.

    Returns
    -------
    CompleteLinkage
        The merges begin with those of the given clusters, at height 0.
    """
    groups = np.ascontiguousarray(labels, dtype=np.int32)
    forbidden = resolve_constraints(None, cannot_link, len(groups)).forbidden_pairs
    threshold = check_threshold(distance_threshold)
    merges, labels = merge_points(
        X, threshold, metric, lambda _: Constraints(groups, forbidden), memory_limit, n_threads(n_jobs)
    )
    return CompleteLinkage(labels, merges, len(labels) - len(merges))


def admit(
    X_new: npt.ArrayLike,
    X: npt.ArrayLike,
    labels: npt.ArrayLike,
    distance_threshold: float,
    *,
    metric: Metric = "sqeuclidean",
    n_jobs: int | None = None,
) -> npt.NDArray[np.int64]:
    """Assign new samples to the clusters that complete linkage would admit them to.

    Parameters
    ----------
    X_new : array-like of shape (n_new, n_features)
        New samples. They do not see each other.
    X : array-like of shape (n_samples, n_features)
        The samples that were clustered.
    labels : array-like of shape (n_samples,), int
        Their clusters, numbered from 0 by first appearance.
    distance_threshold, metric, n_jobs
        As in `complete_linkage`.

    Returns
    -------
    ndarray of shape (n_new,), int64
        The cluster whose farthest member is nearest, of those whose members all lie within the threshold; -1 where
        there is none.
    """
    new, old = check_points(X_new), check_points(X)
    points, squared = to_squared_euclidean(np.concatenate([new, old]), check_threshold(distance_threshold), metric)
    return _core.admit(points, len(new), np.ascontiguousarray(labels, dtype=np.int32), squared, n_threads(n_jobs))
