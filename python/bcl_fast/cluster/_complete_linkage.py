"""Exact complete linkage stopped at a squared distance, without the n x n distances: arrays in, arrays out.

A merge at height ``h`` needs every cross pair within ``h``, so the pairs within ``h`` hold all that complete linkage
needs up to it, and nothing is approximated. The estimator on top is `BallClustering`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy.typing as npt

from bcl_fast.cluster._cut import resolve_cut
from bcl_fast.cluster._merge import link
from bcl_fast.cluster._metric import Metric
from bcl_fast.cluster._progress import OnProgress
from bcl_fast.cluster._result import CompleteLinkage

if TYPE_CHECKING:
    import torch

    from bcl_fast.distributed import ParquetPoints
    from bcl_fast.distributed._engine import Engine


def complete_linkage(
    X: npt.ArrayLike | ParquetPoints,
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
) -> CompleteLinkage:
    """Merge the two closest clusters while the largest distance between them is at most a threshold.

    The result is that of ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "complete")`` cut by
    ``fcluster(Z, distance_threshold, "distance")``, and its heights are those of ``Z`` to the last bit, unless rounding
    alone tells which pair of two clusters is the farthest. The closest pairs are found and merged rung by rung, so that
    memory grows with the samples, not with their pairs.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, finite: an array, a tensor (on any device, with or without a gradient), a data frame. float32 and
        float64 are used as they are, float16 and bfloat16 as float32, other numbers as float64. For
        ``metric="precomputed"`` the dissimilarities, (n_samples, n_samples), symmetric and >= 0: dense, or a SciPy
        sparse matrix in which a pair that is absent is never merged, and one that is there in one direction counts. The
        diagonal is not looked at. Rounding is: up to 1e-5 of the median dissimilarity below zero counts as zero, and of
        two directions whose squares differ by up to 1e-5 of its square the mean is taken.
    distance_threshold : float, optional
        In the metric's unit (squared Euclidean distance by default), >= 0; clusters at exactly this distance are
        merged. None or ``np.inf``: the whole dendrogram.
    n_clusters : int, optional
        Stop at this many clusters instead of at a threshold.
    min_clusters, max_clusters : int, optional
        Fewest and most clusters: where the threshold leaves too many, merging goes on until no more than these are
        left; where it leaves too few, the nearest cut of the dendrogram is made that leaves enough. Beyond the
        threshold that takes the whole dendrogram.
    min_cluster_size : int, default=1
        Samples of smaller clusters are labelled -1; these clusters do not count for the three numbers above.
    metric : {"sqeuclidean", "euclidean", "cosine", "precomputed"}, default="sqeuclidean"
        The unit of the threshold and of the heights.
    must_link : array-like of shape (n_pairs, 2), int, optional
        Samples that share a cluster whatever their distance: merged first, at height 0, with all that they are linked
        to through others.
    cannot_link : array-like of shape (n_pairs, 2), int, optional
        Samples that never share a cluster, as if their distance were infinite.
    memory_limit : int, optional
        Bytes that the clustering may use beside X; if None, three quarters of what is free on the machine and within
        the limit of the container. A smaller limit takes more rungs to the same result.
    n_jobs : int, optional
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all that it may use, -2 for all but
        one. The result does not depend on it.
    progress : callable, optional
        Called with a `bcl_fast.cluster.Progress` at the start of each stage and up to ten times a second.
        What it raises ends the call, as Ctrl-C does.
    device : str or torch.device, default="cpu"
        ``"cuda"`` or ``"cuda:<number>"`` lets a GPU find the pairs that may be close. The result does not depend on it.
    engine : {"local", "ray"} or RayEngine, default="local"
        Who finds the pairs: this process, or the workers of a Ray cluster, which may be on many machines
        (`bcl_fast.distributed.RayEngine` names one). X may then be a `bcl_fast.distributed.ParquetPoints`, which the
        workers read themselves; ``memory_limit`` is that of a worker's task, ``n_jobs`` the number of cores at a time.
        The result does not depend on it.

    Returns
    -------
    CompleteLinkage
        Labels, merges and the number of clusters.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite (the row is named), a precomputed pair is negative or not
        symmetric beyond rounding (the pair is named), constraints contradict each other (the pair
        is named), another argument is out of range, or no Ray cluster answers.
    LostProcesses
        A RuntimeError, with ``engine="ray"``: if workers fail again and again.
    MissingExtraError
        If Ray is wanted and not installed; the message is the command that installs it.

    See Also
    --------
    BallClustering : The same as a scikit-learn estimator.
    average_linkage : By the mean distance instead of the largest.
    linkage : The whole dendrogram, as SciPy's function of this name.
    cut_merges : Labels for a smaller number of merges.

    Notes
    -----
    Of pairs at equal distances those merge first whose clusters' first samples have numbers that differ in low bits
    (the smallest ``i ^ j``): a function of the input alone, whatever the memory limit, the threads, the device and the
    engine, unless distances are equal but for rounding. SciPy may break ties otherwise.

    References
    ----------
    Muellner. Modern hierarchical, agglomerative clustering algorithms. 2011. arXiv:1109.2378.

    Examples
    --------
    >>> from bcl_fast import complete_linkage
    >>> labels, merges, n_clusters = complete_linkage([[0.0], [1.0], [5.0], [5.5]], distance_threshold=1.0)
    >>> labels
    array([0, 0, 1, 1])
    >>> merges
    array([[2.  , 3.  , 0.25, 2.  ],
           [0.  , 1.  , 1.  , 2.  ]])
    >>> complete_linkage([[0.0], [1.0], [5.0], [5.5]], n_clusters=3).labels
    array([0, 1, 2, 2])
    >>> complete_linkage([[0.0], [1.0], [5.0]], distance_threshold=1.0, min_cluster_size=2).labels
    array([ 0,  0, -1])
    >>> complete_linkage([[0.0], [1.0], [5.0], [5.5]], distance_threshold=1.0, cannot_link=[(0, 1)]).labels
    array([0, 1, 2, 2])
    """
    return CompleteLinkage(
        *link(
            X,
            "complete",
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
