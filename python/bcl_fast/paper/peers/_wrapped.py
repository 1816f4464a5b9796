"""Other ways to cluster embeddings, to compare with: told the number of clusters, or finding it without labels.

Each takes points and returns a label per point, numbered by first appearance. A point that a method calls noise is a
cluster of its own, as a person who is seen once is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.extras import require
from bcl_fast._utils.types import Labels, Points
from bcl_fast.errors import InputError

RESTARTS = 20  # of K-means
ITERATIONS = 50  # of each


def kmeans(points: Points, n_clusters: int, *, seed: int = 0, restarts: int = RESTARTS) -> Labels:
    """K-means by faiss, the best of many restarts.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features)
    n_clusters : int
        From 1 to ``n_samples``; fewer come out where fewer points differ.
    seed, restarts : int
        Of the random starts.

    Raises
    ------
    InputError
        If the number of clusters is out of range, or faiss is not installed (`MissingExtraError`).
    """
    require("K-means", "faiss")
    import faiss

    if not 1 <= n_clusters <= len(points):
        raise InputError(f"n_clusters must be in 1..{len(points)} (the number of points), got {n_clusters}")
    rows = np.ascontiguousarray(points, np.float32)
    on_gpu = faiss.get_num_gpus() > 0  # with the extra gpu, where there is one
    options = {"niter": ITERATIONS, "nredo": restarts, "seed": seed + 1, "min_points_per_centroid": 1, "gpu": on_gpu}
    found = faiss.Kmeans(rows.shape[1], n_clusters, max_points_per_centroid=len(rows), **options)
    found.train(rows)
    return by_first_appearance(found.index.search(rows, 1)[1][:, 0])


def dbscan(points: Points, radius: float, *, min_samples: int = 2) -> Labels:
    """DBSCAN by scikit-learn: points with enough neighbours within a radius, and what they reach.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features)
    radius : float
        A Euclidean distance (not squared), positive.
    min_samples : int, default=2
        Neighbours, the point itself counted, that make a cluster grow on.
    """
    from sklearn.cluster import DBSCAN

    return _with_noise_apart(DBSCAN(eps=radius, min_samples=min_samples).fit_predict(points))


def hdbscan(points: Points, *, min_cluster_size: int = 2) -> Labels:
    """HDBSCAN by scikit-learn: the most stable clusters over all radii; one cluster where there are too few points."""
    from sklearn.cluster import HDBSCAN

    if len(points) <= min_cluster_size:
        return np.zeros(len(points), np.int64)
    return _with_noise_apart(HDBSCAN(min_cluster_size=min_cluster_size, copy=True).fit_predict(points))


def _with_noise_apart(labels: NDArray[np.int64]) -> Labels:
    """Give each point of noise, labelled -1, a cluster of its own."""
    noise = labels < 0
    return by_first_appearance(np.where(noise, len(labels) + np.arange(len(labels)), labels))


def finch(points: Points) -> list[Labels]:
    """First-neighbour clustering: points that share nearest neighbours are joined, then their means are, and so on.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features)

    Returns
    -------
    list of ndarray of shape (n_samples,), int64
        Partitions from the finest to the last with two clusters or more; at least one, all points apart where there
        are fewer than two points or these all join at once.

    References
    ----------
    Sarfraz, Sharma, Stiefelhagen. Efficient Parameter-free Clustering Using First Neighbor Relations. CVPR 2019.
    """
    from scipy.sparse import csr_array

    labels, partitions = np.arange(len(points)), list[Labels]()
    while True:
        n_clusters = int(labels.max()) + 1
        sizes = np.bincount(labels)
        means = csr_array((1 / sizes[labels], (labels, np.arange(len(points))))) @ np.asarray(points, np.float64)
        joined = _join_first_neighbours(means) if n_clusters > 2 else np.zeros(n_clusters, np.int64)
        if joined.max() == 0:
            return partitions or [by_first_appearance(labels)]
        labels = by_first_appearance(joined[labels])
        partitions.append(labels)


def _join_first_neighbours(points: Points) -> NDArray[Any]:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
    edges = (np.ones(len(points)), (np.arange(len(points)), found))
    graph = csr_array(edges, shape=(len(points), len(points)))
    return np.asarray(connected_components(graph, directed=False)[1])
