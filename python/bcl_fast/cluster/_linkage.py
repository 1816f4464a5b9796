"""The whole dendrogram, with the call and the result of SciPy's function."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast._utils.arrays import as_array
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._constraints import resolve_constraints
from bcl_fast.cluster._execution import core_execution
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.cluster._precomputed import check_condensed
from bcl_fast.cluster._progress import OnProgress
from bcl_fast.errors import InputError

# The core sums the distances between two clusters, 2^58 at most: larger ones are given in another unit.
_LARGEST_SUMMED, _UNIT_OF_SUMS = 2.0**960, 2.0**64


def linkage(
    X: npt.ArrayLike,
    method: LinkageName = "complete",
    metric: Literal["euclidean", "sqeuclidean", "cosine"] = "euclidean",
    optimal_ordering: bool = False,
    *,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
) -> npt.NDArray[np.float64]:
    """Return the whole dendrogram, as ``scipy.cluster.hierarchy.linkage(X, method, metric)``.

    The arguments are SciPy's, so that a call that names its method changes its import only. SciPy's default method,
    single linkage, is not here.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples * (n_samples - 1) / 2,)
        Samples, as in `complete_linkage`; or their distances, condensed as ``scipy.spatial.distance.pdist`` returns
        them, finite and >= 0 up to rounding: 1e-5 of their median below zero counts as zero.
    method : {"complete", "average"}, default="complete"
        Average linkage of samples takes the metrics "sqeuclidean" and "cosine": the mean of other distances does not
        follow from the means of clusters. Condensed distances may be any.
    metric : {"euclidean", "sqeuclidean", "cosine"}, default="euclidean"
        The unit of the heights, and what is measured between samples; not used for condensed distances. Euclidean by
        default as in SciPy, while `complete_linkage` measures squared distances as the paper does.
    optimal_ordering : bool, default=False
        Order the leaves so that neighbours are close, by ``scipy.cluster.hierarchy.optimal_leaf_ordering``: it computes
        all n x n distances.
    memory_limit, n_jobs, progress
        As in `complete_linkage`.

    Returns
    -------
    ndarray of shape (n_samples - 1, 4), float64
        A linkage matrix, for ``fcluster``, ``dendrogram`` and the like. Heights are SciPy's: to the last bit for
        complete linkage of Euclidean, squared Euclidean and condensed distances, else to 1e-12 relative. Ties may be
        broken otherwise than in SciPy.

    Raises
    ------
    InputError
        A ValueError: as in `complete_linkage`; or if the method or metric is another, or X no condensed distances.

    See Also
    --------
    complete_linkage, average_linkage : Stop at a threshold or a number of clusters; take constraints.

    Examples
    --------
    >>> from bcl_fast import linkage
    >>> linkage([[0.0], [1.0], [5.0]])
    array([[0., 1., 1., 2.],
           [2., 3., 5., 3.]])
    >>> linkage([[0.0], [1.0], [5.0]], "complete", "sqeuclidean")
    array([[ 0.,  1.,  1.,  2.],
           [ 2.,  3., 25.,  3.]])
    >>> linkage([1.0, 5.0, 4.0])
    array([[0., 1., 1., 2.],
           [2., 3., 5., 3.]])
    """
    if not isinstance(method, str) or method not in ("complete", "average"):
        raise InputError(f"method must be 'complete' or 'average', the linkages that there are, got {method!r}")
    if not isinstance(metric, str) or metric not in ("euclidean", "sqeuclidean", "cosine"):
        raise InputError(
            f"metric must be one of 'euclidean', 'sqeuclidean', 'cosine', got {metric!r}: "
            "for any other give condensed distances, as scipy.spatial.distance.pdist or squareform returns them"
        )
    observations = as_array(X, "X")
    if observations.ndim == 1:
        distances, n_samples = check_condensed(observations)
        unconstrained = resolve_constraints(None, None, n_samples)
        execution = core_execution(n_jobs, progress)
        unit = _UNIT_OF_SUMS if method == "average" and distances.max() > _LARGEST_SUMMED else 1.0
        if unit != 1.0:
            distances /= unit
        tree, _ = _core.dense_linkage(distances, n_samples, method, np.inf, *unconstrained, execution)
        tree[:, 2] *= unit
    else:
        merge = LINKAGES[method]
        tree = merge(observations, metric=metric, memory_limit=memory_limit, n_jobs=n_jobs, progress=progress).merges
    if optimal_ordering and len(tree):
        from scipy.cluster.hierarchy import optimal_leaf_ordering

        return optimal_leaf_ordering(tree, observations.astype(np.float64), metric)
    return tree
