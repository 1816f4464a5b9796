"""Which of the clusters that there are new samples join."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast.cluster._cut import check_threshold
from bcl_fast.cluster._execution import core_execution
from bcl_fast.cluster._input import check_points
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.cluster._metric import Metric, to_squared_euclidean


def assign(
    X_new: npt.ArrayLike,
    X: npt.ArrayLike,
    labels: npt.ArrayLike,
    distance_threshold: float,
    *,
    linkage: LinkageName = "complete",
    metric: Metric = "sqeuclidean",
    n_jobs: int | None = None,
) -> npt.NDArray[np.int64]:
    """Assign new samples to the clusters that a linkage would put them into.

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
    linkage : {"complete", "average"}, default="complete"
        How far a sample is from a cluster: as from its farthest member, or as from its members in the mean.

    Returns
    -------
    ndarray of shape (n_new,), int64
        The nearest cluster of those within the threshold; -1 where there is none.
    """
    new, old = check_points(X_new), check_points(X)
    points, squared = to_squared_euclidean(np.concatenate([new, old]), check_threshold(distance_threshold), metric)
    clusters = np.require(labels, np.int32, ["C", "A"])
    return _core.assign(points, len(new), clusters, squared, core_execution(n_jobs), linkage)
