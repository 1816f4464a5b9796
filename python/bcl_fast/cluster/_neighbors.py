"""Each sample as the mean of itself and its nearest neighbours: what blurs one blurs all alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.checks import whole_at_least
from bcl_fast._utils.types import Integers
from bcl_fast.cluster._constraints import check_pairs
from bcl_fast.cluster._input import check_points
from bcl_fast.cluster._radius_graph import radius_graph

if TYPE_CHECKING:
    import torch

N_NEIGHBORS = 3


def average_neighbors(
    X: npt.ArrayLike,
    distance_threshold: float,
    *,
    n_neighbors: int = N_NEIGHBORS,
    normalize: bool = True,
    cannot_link: npt.ArrayLike | None = None,
    n_jobs: int | None = None,
    device: str | torch.device = "cpu",
) -> npt.NDArray[Any]:
    """Replace each sample by a weighted mean of itself and its nearest neighbours within a squared distance.

    A neighbour at squared distance ``d`` has the weight ``1 - d / distance_threshold``, the sample itself 1: one step
    towards the middle of a sample's surroundings. Noise of single samples averages out, so that clusters draw together;
    a sample without a neighbour stays where it is. Among neighbours equally near, those of lower rows are taken.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, as in `complete_linkage`.
    distance_threshold : float
        Squared Euclidean distance, >= 0; at 0 nothing moves.
    n_neighbors : int, default=3
        At most so many neighbours count.
    normalize : bool, default=True
        Scale the means to unit norm, for embeddings of unit norm.
    cannot_link : array-like of shape (n_pairs, 2), optional
        Pairs of samples that are no neighbours, however near.
    n_jobs : int, optional
        As in `radius_graph`.
    device : str or torch.device, default="cpu"
        As in `complete_linkage`.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Of the dtype of ``X`` as `complete_linkage` takes it.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite, or another argument is out of range.

    Notes
    -----
    The pairs within the threshold are held at once: 12 bytes for each of the two directions.

    References
    ----------
    Database-side feature augmentation: Turcot, Lowe, ICCV Workshops 2009; Arandjelovic, Zisserman, "Three things
    everyone should know to improve object retrieval", CVPR 2012.

    Examples
    --------
    >>> from bcl_fast.cluster import average_neighbors
    >>> average_neighbors([[0.0], [1.0], [5.0]], 2.0, normalize=False).round(4).tolist()
    [[0.3333], [0.6667], [5.0]]
    """
    from scipy.sparse import csr_array

    n_neighbors = whole_at_least("n_neighbors", n_neighbors, 1)
    points = check_points(X)
    graph = radius_graph(points, distance_threshold, n_jobs=n_jobs, device=device)
    rows = np.repeat(np.arange(len(points)), np.diff(graph.indptr))
    columns, distances = graph.indices.astype(np.int64), graph.data.astype(np.float64)
    if cannot_link is not None:
        allowed = ~_are_pairs(
            rows, columns, check_pairs(cannot_link, "cannot_link", len(points)).astype(np.int64), len(points)
        )
        rows, columns, distances = rows[allowed], columns[allowed], distances[allowed]
    nearest = _nearest(rows, distances, n_neighbors)
    rows, columns, distances = rows[nearest], columns[nearest], distances[nearest]
    weights = np.maximum(1 - distances / distance_threshold, 0) if distance_threshold > 0 else np.zeros(len(rows))
    means = points + csr_array((weights, (rows, columns)), shape=graph.shape) @ points.astype(np.float64)
    size = (
        np.linalg.norm(means, axis=1, keepdims=True)
        if normalize
        else 1 + np.bincount(rows, weights, minlength=len(points))[:, None]
    )
    return np.asarray(means / np.where(size > 0, size, 1), points.dtype)


def _nearest(rows: Integers, distances: npt.NDArray[np.float64], n_neighbors: int) -> Integers:
    """Places of the nearest neighbours of each row; of those equally near the first."""
    order = np.lexsort((distances, rows))
    starts = np.searchsorted(rows[order], rows[order])
    return order[np.arange(len(order)) - starts < n_neighbors]


def _are_pairs(rows: Integers, columns: Integers, pairs: Integers, n_samples: int) -> npt.NDArray[np.bool_]:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    keys = np.unique(both[:, 0] * n_samples + both[:, 1])
    return np.isin(rows * n_samples + columns, keys)
