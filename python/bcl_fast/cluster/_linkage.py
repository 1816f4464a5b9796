"""Exact complete linkage stopped at a squared distance, without the n x n distances: arrays in, arrays out.

A merge at height ``h`` needs every cross pair within ``h``, so the pairs within ``h`` hold all that complete linkage
needs up to it, and nothing is approximated. The estimator on top is in `bcl_fast.cluster._estimator`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.devices import cuda_device
from bcl_fast.cluster._constraints import Constraints, resolve_constraints
from bcl_fast.cluster._input import check_points, check_threshold, n_threads, rung_memory
from bcl_fast.cluster._metric import Metric, check_metric, from_squared_euclidean, to_squared_euclidean
from bcl_fast.cluster._precomputed import check_dissimilarities, dissimilarity_graph
from bcl_fast.cluster._progress import OnProgress, core_progress
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "CompleteLinkage",
    "complete_linkage",
    "cut_merges",
    "linkage",
    "merge_points",
    "radius_graph",
]


class CompleteLinkage(NamedTuple):
    """Clusters, and the merges that made them.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,), int64
        Cluster of each sample, 0 to ``n_clusters - 1``, numbered by first appearance.
    merges : ndarray of shape (n_samples - n_clusters, 4), float64
        As SciPy's linkage matrix, as far as the threshold: the ids of the two clusters merged (below ``n_samples`` a
        sample, ``n_samples + i`` the result of row ``i``), the largest squared distance between them, the number of
        samples in the result. Heights do not decrease.
    n_clusters : int
        Number of clusters.
    """

    labels: npt.NDArray[np.int64]
    merges: npt.NDArray[np.float64]
    n_clusters: int


def complete_linkage(
    X: npt.ArrayLike,
    distance_threshold: float | None = None,
    *,
    n_clusters: int | None = None,
    metric: Metric = "sqeuclidean",
    must_link: npt.ArrayLike | None = None,
    cannot_link: npt.ArrayLike | None = None,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
    device: str = "cpu",
) -> CompleteLinkage:
    """Merge the two closest clusters while the largest distance between them is at most a threshold.

    The result is that of ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "complete")`` cut by
    ``fcluster(Z, distance_threshold, "distance")``, up to near-ties: which pairs lie within the threshold is decided in
    float64, and distances are compared as float32 (1e-7 relative). The closest pairs are found and merged rung by rung,
    so that memory grows with the samples, not with their pairs.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, finite. float32 and float64 are used as they are, float16 as float32, integers as float64. For
        ``metric="precomputed"`` the dissimilarities, (n_samples, n_samples), symmetric and >= 0: dense, or a SciPy
        sparse matrix in which a pair that is absent is never merged.
    distance_threshold : float, optional
        In the metric's unit (squared Euclidean distance by default), >= 0; clusters at exactly this distance are
        merged. None or ``np.inf``: the whole dendrogram.
    n_clusters : int, optional
        Stop at this many clusters instead of at a threshold.
    metric : {"sqeuclidean", "euclidean", "cosine", "precomputed"}, default="sqeuclidean"
        The unit of the threshold and of the heights.
    must_link : array-like of shape (n_pairs, 2), int, optional
        Samples that share a cluster whatever their distance: merged first, at height 0, with all that they are linked
        to through others.
    cannot_link : array-like of shape (n_pairs, 2), int, optional
        Samples that never share a cluster, as if their distance were infinite.
    memory_limit : int, optional
        Bytes that the clustering may use beside X; half of what the machine has free if None. A smaller limit takes
        more rungs to the same result.
    n_jobs : int, optional
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all processors. The result does not
        depend on it.
    progress : callable, optional
        Called with a `bcl_fast.cluster._progress.Progress` at the start of each stage and up to ten times a second.
        What it raises ends the call, as Ctrl-C does.
    device : str, default="cpu"
        ``"cuda"`` or ``"cuda:<number>"`` lets a GPU find the pairs that may be close. The result does not depend on it.

    Returns
    -------
    CompleteLinkage
        Labels, merges and the number of clusters.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite (the row is named), constraints contradict each other (the pair
        is named), or another argument is out of range.

    See Also
    --------
    BallClustering : The same as a scikit-learn estimator.
    linkage : The whole dendrogram, as SciPy's function of this name.
    cut_merges : Labels for a smaller number of merges.

    Notes
    -----
    Exact ties go to the cluster that the search came from, then to the one with the earlier sample: a function of the
    input and the memory limit alone. SciPy may break them otherwise.

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
    >>> complete_linkage([[0.0], [1.0], [5.0], [5.5]], distance_threshold=1.0, cannot_link=[(0, 1)]).labels
    array([0, 1, 2, 2])
    """
    check_metric(metric)
    if n_clusters is not None and distance_threshold is not None:
        raise InputError("distance_threshold and n_clusters exclude each other: give one of them")
    threshold = np.inf if distance_threshold is None else check_threshold(distance_threshold)
    n_jobs = n_threads(n_jobs)
    gpu = cuda_device(device)
    constrain = partial(resolve_constraints, must_link, cannot_link)
    tell = core_progress(progress)
    if metric == "precomputed":
        if device != "cpu":
            raise InputError(f"precomputed dissimilarities are clustered on the CPU alone, got device {device!r}")
        merges, labels = _merge_precomputed(X, threshold, constrain, tell)
    else:
        merges, labels = merge_points(X, threshold, metric, constrain, memory_limit, n_jobs, tell, gpu)
    if n_clusters is not None:
        labels = cut_merges(merges, len(labels), n_clusters)
        merges = merges[: len(labels) - n_clusters]
    return CompleteLinkage(labels, merges, len(labels) - len(merges))


def merge_points(
    X: npt.ArrayLike,
    threshold: float,
    metric: str,
    constrain: Callable[[int], Constraints],
    memory_limit: int | None,
    n_jobs: int,
    tell: Callable[[str, int, float], None] | None = None,
    gpu: int = -1,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Check points and merge them: merges with heights in the metric's unit, and labels."""
    points, squared = to_squared_euclidean(check_points(X), threshold, metric)
    pairs, may_copy = rung_memory(points, memory_limit)
    merges, labels = _core.linkage_of_points(
        points, squared, pairs, *constrain(len(points)), n_jobs, tell, may_copy, gpu
    )
    # Every height is within the threshold; rounding to float32 may have lifted it above.
    merges[:, 2] = np.minimum(from_squared_euclidean(merges[:, 2], metric), threshold)
    return merges, labels


def _merge_precomputed(
    X: npt.ArrayLike,
    threshold: float,
    constrain: Callable[[int], Constraints],
    tell: Callable[[str, int, float], None] | None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    matrix = check_dissimilarities(X, threshold)
    graph = dissimilarity_graph(matrix, constrain(matrix.shape[0]))
    merges, labels = _core.complete_linkage(*graph, tell)
    np.minimum(merges[:, 2], threshold, out=merges[:, 2])
    return merges, labels


def linkage(
    X: npt.ArrayLike,
    *,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
) -> npt.NDArray[np.float64]:
    """Return the whole dendrogram, as ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "complete")``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        As in `complete_linkage`.
    memory_limit, n_jobs, progress
        As in `complete_linkage`.

    Returns
    -------
    ndarray of shape (n_samples - 1, 4), float64
        A linkage matrix, for ``fcluster``, ``dendrogram`` and the like. Heights are squared distances, to float32
        precision.

    Raises
    ------
    InputError
        A ValueError: as in `complete_linkage`.

    Examples
    --------
    >>> from bcl_fast import linkage
    >>> linkage([[0.0], [1.0], [5.0]])
    array([[ 0.,  1.,  1.,  2.],
           [ 2.,  3., 25.,  3.]])
    """
    return complete_linkage(X, memory_limit=memory_limit, n_jobs=n_jobs, progress=progress).merges


def radius_graph(
    X: npt.ArrayLike,
    distance_threshold: float,
    *,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
    device: str = "cpu",
) -> csr_array:
    """Find all pairs of samples within a squared distance.

    Exact: a pair is in the graph if and only if its float64 squared distance is at most the threshold.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, finite. float32 and float64 are used as they are, float16 as float32, integers as float64.
    distance_threshold : float
        Squared Euclidean distance, >= 0; may be ``np.inf``.
    n_jobs : int, optional
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all processors. The result does not
        depend on it.
    progress : callable, optional
        As in `complete_linkage`.
    device : str, default="cpu"
        As in `complete_linkage`.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_samples, n_samples), float32
        Squared distances: symmetric, sorted columns, no diagonal. Identical samples are stored as explicit zeros.
        float64 for a threshold so large or small that float32 could not hold its distances.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite (the row is named), or another argument is out of range.

    Examples
    --------
    >>> from bcl_fast import radius_graph
    >>> radius_graph([[0.0], [1.0], [5.0]], distance_threshold=1.0).toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    from scipy.sparse import csr_array

    threshold = check_threshold(distance_threshold)
    points = check_points(X)
    offsets, neighbors, distances, scale, _ = _core.radius_graph(
        points, threshold, n_threads(n_jobs), core_progress(progress), cuda_device=cuda_device(device)
    )
    if offsets[-1] <= np.iinfo(np.int32).max:
        offsets = offsets.astype(np.int32)  # of another type than the columns, SciPy would copy those
    data: npt.NDArray[Any] = distances if scale == 1.0 else distances * np.float64(scale)
    n_samples = len(offsets) - 1
    return csr_array((data, neighbors, offsets), shape=(n_samples, n_samples))


def cut_merges(merges: npt.ArrayLike, n_samples: int, n_clusters: int) -> npt.NDArray[np.int64]:
    """Label samples after as many merges as leave ``n_clusters`` clusters.

    Parameters
    ----------
    merges : array-like of shape (n_merges, 4)
        Merges in order, as `complete_linkage` or ``scipy.cluster.hierarchy.linkage`` return them.
    n_samples : int
        Number of samples that were clustered.
    n_clusters : int
        Number of clusters wanted, 1 to ``n_samples``, with at least ``n_samples - n_clusters`` merges.

    Returns
    -------
    ndarray of shape (n_samples,), int64
        Labels 0 to ``n_clusters - 1``, numbered by first appearance.

    Raises
    ------
    InputError
        A ValueError: if ``n_clusters`` is out of range or the merges end before it is reached.

    Examples
    --------
    >>> from bcl_fast.cluster._linkage import complete_linkage, cut_merges
    >>> merges = complete_linkage([[0.0], [1.0], [5.0], [5.5]], distance_threshold=1.0).merges
    >>> cut_merges(merges, n_samples=4, n_clusters=3)
    array([0, 1, 2, 2])
    """
    rows = np.asarray(merges, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise InputError(f"merges must have shape (n_merges, 4), got shape {rows.shape}")
    if not 1 <= n_clusters <= n_samples:
        raise InputError(f"n_clusters must be between 1 and n_samples ({n_samples}), got {n_clusters}")
    n_merges = n_samples - n_clusters
    if n_merges > len(rows):
        raise InputError(
            f"{n_clusters} clusters of {n_samples} samples take {n_merges} merges, got {len(rows)}: "
            f"raise the distance threshold or ask for at least {n_samples - len(rows)} clusters"
        )
    return by_first_appearance(_roots(rows[:n_merges, :2].astype(np.int64), n_samples)[:n_samples])


def _roots(children: npt.NDArray[np.int64], n_samples: int) -> npt.NDArray[np.int64]:
    """Return the last cluster that each node of a dendrogram ends up in."""
    parent = np.arange(n_samples + len(children))
    parent[children] = np.arange(n_samples, len(parent))[:, None]
    while not np.array_equal(above := parent[parent], parent):
        parent = above
    return parent
