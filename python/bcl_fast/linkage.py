"""Exact complete linkage stopped at a squared distance, without the n x n distances: arrays in, arrays out.

A merge at height ``h`` needs every cross pair within ``h``, so the pairs within the threshold (the radius graph) hold
all that complete linkage needs up to it, and nothing is approximated. The estimator on top is in `bcl_fast.clustering`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LARGEST_COORDINATE = 1e150  # beyond, a squared distance may exceed float64

__all__ = ["CompleteLinkage", "complete_linkage", "cut_merges", "radius_graph"]


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


def complete_linkage(X: npt.ArrayLike, distance_threshold: float, *, n_jobs: int | None = None) -> CompleteLinkage:
    """Merge the two closest clusters while the largest squared distance between them is at most a threshold.

    The result is that of ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "complete")`` cut by
    ``fcluster(Z, distance_threshold, "distance")``, up to near-ties: which pairs lie within the threshold is decided in
    float64, and distances are compared as float32 (1e-7 relative). Memory grows with the pairs within the threshold
    (16 bytes each), not with their square.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, finite. float32 and float64 are used as they are, float16 as float32, integers as float64.
    distance_threshold : float
        Squared Euclidean distance, >= 0; clusters at exactly this distance are merged. ``np.inf`` merges everything
        (and holds all pairs in memory).
    n_jobs : int, optional
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all processors. The result does not
        depend on it.

    Returns
    -------
    CompleteLinkage
        Labels, merges and the number of clusters.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite (the row is named), or another argument is out of range.

    See Also
    --------
    BallClustering : The same as a scikit-learn estimator.
    cut_merges : Labels for a smaller number of merges.

    Notes
    -----
    Exact ties go to the cluster that the search came from, then to the one with the earlier sample: a function of the
    input alone. SciPy may break them otherwise.

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
    """
    threshold = _check_threshold(distance_threshold)
    graph = _core.radius_graph(_check_points(X), threshold, _n_threads(n_jobs))
    merges, labels = _core.complete_linkage(*graph)
    # Every height is within the threshold; rounding to float32 may have lifted it above.
    np.minimum(merges[:, 2], threshold, out=merges[:, 2])
    return CompleteLinkage(labels, merges, len(labels) - len(merges))


def radius_graph(X: npt.ArrayLike, distance_threshold: float, *, n_jobs: int | None = None) -> csr_array:
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

    threshold = _check_threshold(distance_threshold)
    offsets, neighbors, distances, scale = _core.radius_graph(_check_points(X), threshold, _n_threads(n_jobs))
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
    >>> from bcl_fast.linkage import complete_linkage, cut_merges
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
    return _by_first_appearance(_roots(rows[:n_merges, :2].astype(np.int64), n_samples)[:n_samples])


def _roots(children: npt.NDArray[np.int64], n_samples: int) -> npt.NDArray[np.int64]:
    """Return the last cluster that each node of a dendrogram ends up in."""
    parent = np.arange(n_samples + len(children))
    parent[children] = np.arange(n_samples, len(parent))[:, None]
    while not np.array_equal(above := parent[parent], parent):
        parent = above
    return parent


def _by_first_appearance(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _check_points(X: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return X as a C-contiguous float32 or float64 matrix of finite numbers."""
    points = np.asarray(X)
    if points.ndim != 2:
        raise InputError(f"X must be 2-D (n_samples, n_features), got shape {points.shape}")
    if points.dtype.kind not in "fiub":
        raise InputError(f"X must be a dense array of real numbers, got dtype {points.dtype}")
    is_single = points.dtype.kind == "f" and points.dtype.itemsize <= 4
    points = np.ascontiguousarray(points, dtype=np.float32 if is_single else np.float64)
    _check_values(points)
    return points


def _check_values(points: npt.NDArray[Any]) -> None:
    if points.size == 0:
        return
    size = float(max(abs(points.min()), abs(points.max())))  # NaN if anything is; makes no copy of X
    if not np.isfinite(size):
        bad = ~np.isfinite(points)
        row = int(bad.any(axis=1).argmax())
        column = int(bad[row].argmax())
        raise InputError(f"X must be finite, got {points[row, column]} in row {row}, column {column}")
    if size > LARGEST_COORDINATE:
        raise InputError(
            f"X must lie within +-{LARGEST_COORDINATE:g}, for its squared distances overflow, got {size:g}"
        )


def _check_threshold(distance_threshold: float) -> float:
    try:
        threshold = float(distance_threshold)
    except (TypeError, ValueError):
        threshold = np.nan
    if not threshold >= 0:
        raise InputError(f"distance_threshold must be a squared distance >= 0, got {distance_threshold!r}")
    return threshold


def _n_threads(n_jobs: int | None) -> int:
    """Return the number of threads, 0 for the core's own default."""
    if n_jobs is None:
        return 0
    if n_jobs == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(n_jobs, (int, np.integer)) or n_jobs < 1:
        raise InputError(f"n_jobs must be None, -1 or >= 1, got {n_jobs!r}")
    return int(n_jobs)
