"""A linkage that goes on from clusters that there are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast.cluster._constraints import Constraints, resolve_constraints
from bcl_fast.cluster._cut import check_threshold
from bcl_fast.cluster._execution import core_execution
from bcl_fast.cluster._input import check_memory_limit, check_points
from bcl_fast.cluster._merge import LinkageName, check_linkage, merge_points
from bcl_fast.cluster._metric import Metric
from bcl_fast.cluster._result import CompleteLinkage


def extend_clusters(
    X: npt.ArrayLike,
    labels: npt.ArrayLike,
    n_clusters: int,
    distance_threshold: float,
    *,
    linkage: LinkageName = "complete",
    metric: Metric = "sqeuclidean",
    cannot_link: npt.ArrayLike | None = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
) -> CompleteLinkage:
    """Go on with a linkage from clusters that there are, which are never merged with each other.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        As in `complete_linkage`.
    labels : array-like of shape (n_samples,), int
        Clusters to begin with, numbered from 0 by first appearance; a new sample is a cluster of its own.
    n_clusters : int
        Of these clusters the first so many were there before, and keep their numbers.
    linkage : {"complete", "average"}, default="complete"
        Which one goes on.
    distance_threshold, metric, cannot_link, memory_limit, n_jobs
        As in `complete_linkage`.

    Returns
    -------
    CompleteLinkage
        The merges begin with those of the given clusters, at height 0.
    """
    must_link_groups = np.require(labels, np.int32, ["C", "A"])
    pairs = resolve_constraints(None, cannot_link, len(must_link_groups)).cannot_link
    threshold = check_threshold(distance_threshold)
    check_linkage(linkage, metric)
    check_memory_limit(memory_limit)
    constraints = Constraints(must_link_groups, pairs)
    merges, labels = merge_points(
        check_points(X), linkage, threshold, metric, constraints, memory_limit, core_execution(n_jobs), n_clusters
    )
    return CompleteLinkage(labels, merges, len(labels) - len(merges))
