"""Exact average linkage stopped at a squared distance, without the n x n distances: arrays in, arrays out.

The mean squared distance between two clusters follows from their means and spreads, so that a cluster is as cheap to
compare as a sample, and nothing is approximated. The estimator on top is `BallClustering`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy.typing as npt

from bcl_fast.cluster._cut import resolve_cut
from bcl_fast.cluster._merge import link
from bcl_fast.cluster._metric import Metric
from bcl_fast.cluster._progress import OnProgress
from bcl_fast.cluster._result import AverageLinkage

if TYPE_CHECKING:
    import torch

    from bcl_fast.distributed._engine import Engine


def average_linkage(
    X: npt.ArrayLike,
    distance_threshold: float | None = None,
    *,
    n_clusters: int | None = None,
    min_clusters: int | None = None,
    max_clusters: int | None = None,
    min_cluster_size: int = 1,
    metric: Metric = "sqeuclidean",
    must_link: npt.ArrayLike | None = None,
    cannot_link: npt.ArrayLike | None = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
    device: str | torch.device = "cpu",
    engine: Engine = "local",
) -> AverageLinkage:
    """Merge the two closest clusters while the mean squared distance between them is at most a threshold.

    The result is that of ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "average")`` cut by
    ``fcluster(Z, distance_threshold, "distance")``; heights are equal to those of ``Z`` up to the rounding of SciPy's
    sums (1e-12 relative), and are compared as they are returned. The closest pairs are found and merged rung by rung,
    so that memory grows with the samples, not with their pairs.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, as in `complete_linkage`.
    distance_threshold : float, optional
        In the metric's unit (squared Euclidean distance by default), >= 0; clusters at exactly this distance are
        merged. None or ``np.inf``: the whole dendrogram.
    n_clusters : int, optional
        Stop at this many clusters instead of at a threshold.
    min_clusters, max_clusters, min_cluster_size : int, optional
        As in `complete_linkage`.
    metric : {"sqeuclidean", "cosine"}, default="sqeuclidean"
        The unit of the threshold and of the heights. The mean of other distances does not follow from the clusters'
        means.
    must_link : array-like of shape (n_pairs, 2), int, optional
        Samples that share a cluster whatever their distance: merged first, at height 0, with all that they are linked
        to through others.
    cannot_link : array-like of shape (n_pairs, 2), int, optional
        Samples that never share a cluster, as if their distance were infinite.
    memory_limit, n_jobs, progress, device
        As in `complete_linkage`.
    engine : {"local"}, default="local"
        This process alone: the merges take the means of all clusters, which one process must hold.

    Returns
    -------
    AverageLinkage
        Labels, merges and the number of clusters.

    Raises
    ------
    InputError
        A ValueError: as in `complete_linkage`; or if the metric is another.

    See Also
    --------
    BallClustering : The same as a scikit-learn estimator, with ``linkage="average"``.
    complete_linkage : By the largest distance instead of the mean.
    linkage : The whole dendrogram, as SciPy's function of this name.

    Notes
    -----
    Of pairs at equal distances those merge first whose clusters' first samples have numbers that differ in low bits
    (the smallest ``i ^ j``): a function of the input alone, whatever the memory limit, the threads and the device,
    unless means are equal but for rounding. SciPy may break ties otherwise.

    References
    ----------
    Muellner. Modern hierarchical, agglomerative clustering algorithms. 2011. arXiv:1109.2378.

    Examples
    --------
    >>> from bcl_fast import average_linkage
    >>> labels, merges, n_clusters = average_linkage([[0.0], [1.0], [3.0], [9.0]], distance_threshold=7.0)
    >>> labels
    array([0, 0, 0, 1])
    >>> merges
    array([[0. , 1. , 1. , 2. ],
           [2. , 4. , 6.5, 3. ]])
    >>> average_linkage([[0.0], [1.0], [3.0], [9.0]], distance_threshold=7.0, cannot_link=[(1, 2)]).labels
    array([0, 0, 1, 2])
    """
    return AverageLinkage(
        *link(
            X,
            "average",
            resolve_cut(distance_threshold, n_clusters, min_clusters, max_clusters, min_cluster_size),
            metric=metric,
            must_link=must_link,
            cannot_link=cannot_link,
            memory_limit=memory_limit,
            n_jobs=n_jobs,
            progress=progress,
            device=device,
            engine=engine,
        )[0]
    )
