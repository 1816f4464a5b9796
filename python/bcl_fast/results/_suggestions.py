"""Pairs of clusters that may be one person, the most likely first: what to ask a user."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.checks import whole_at_least
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._names import cluster_names
from bcl_fast.results._points import points_of
from bcl_fast.results._result import ClusteringResult

_CHUNK = 1 << 22  # distances between clusters that are held at once


class Suggestion(NamedTuple):
    """Two clusters that may be one person.

    Attributes
    ----------
    cluster_a, cluster_b : int
        Their numbers, the smaller first.
    distance : float
        Mean squared distance between their tracks.
    row_a, row_b : int
        The two tracks, one of each, that are nearest to each other: rows of the result.
    """

    cluster_a: int
    cluster_b: int
    distance: float
    row_a: int
    row_b: int


def suggest_merges(
    result: ClusteringResult,
    *,
    embeddings: ArrayLike | None = None,
    cannot_link: ArrayLike | None = None,
    limit: int = 20,
) -> list[Suggestion]:
    """Rank the pairs of clusters that may be one person by how near they are.

    The mean squared distance between the tracks of two clusters ranks them, whatever linkage made them: it does not
    hang on one track. Left out are pairs that a cannot-link pair forbids, and pairs of clusters that a user has named
    both: these are known to be two people. Tracks in no cluster are not looked at.

    Parameters
    ----------
    result : ClusteringResult
    embeddings : array-like of shape (n_tracks, n_dimensions), optional
        A point for each row of the result; by default those that it holds.
    cannot_link : array-like of shape (n_pairs, 2), int, optional
        Rows of the result that are two people.
    limit : int, default 20
        Most pairs to return.

    Returns
    -------
    suggestions : list of Suggestion
        The nearest first; O(n_clusters**2 n_dimensions) time, and memory for a few million distances.

    Raises
    ------
    InputError
        If there are no embeddings, or not one for each row; a cannot-link pair is not of rows; or the limit is less
        than 1.
    """
    limit = whole_at_least("limit", limit, 1)
    points = _points(result, embeddings)
    clusters = np.unique(result.cluster_ids[result.cluster_ids >= 0])
    codes = np.searchsorted(clusters, result.cluster_ids)
    codes[result.cluster_ids < 0] = -1
    forbidden = _forbidden(codes, cannot_link, len(points))
    named = np.isin(clusters, list(cluster_names(result)))
    firsts, seconds, distances = _nearest_pairs(points, codes, len(clusters), forbidden, named, limit)
    suggestions = []
    for a, b, distance in zip(firsts.tolist(), seconds.tolist(), distances.tolist(), strict=True):
        rows = _nearest_rows(points, np.flatnonzero(codes == a), np.flatnonzero(codes == b))
        suggestions.append(Suggestion(int(clusters[a]), int(clusters[b]), distance, *rows))
    return suggestions


def _points(result: ClusteringResult, embeddings: ArrayLike | None) -> NDArray[np.float64]:
    given: Any = result.embeddings if embeddings is None else embeddings
    if given is None:
        raise InputError("the result has no embeddings: give them, or a result that was written as .parquet")
    return points_of(result, given).astype(np.float64)


def _forbidden(codes: Integers, cannot_link: ArrayLike | None, n_tracks: int) -> Integers:
    """Return pairs of clusters, both ways, that hold two tracks that are two people."""
    pairs = np.empty((0, 2), np.int64) if cannot_link is None else as_array(cannot_link, "cannot_link")
    if pairs.size == 0:
        return np.empty((0, 2), np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InputError(f"cannot_link must be pairs of rows, got {pairs.dtype} of shape {pairs.shape}")
    if pairs.min() < 0 or pairs.max() >= n_tracks:
        raise InputError(f"cannot_link must hold rows in [0, {n_tracks}), got {pairs.min()} to {pairs.max()}")
    apart = codes[pairs]
    apart = apart[(apart >= 0).all(axis=1)]
    return np.unique(np.concatenate([apart, apart[:, ::-1]]), axis=0)


def _nearest_pairs(
    points: NDArray[np.float64],
    codes: Integers,
    n_clusters: int,
    forbidden: Integers,
    named: NDArray[np.bool_],
    limit: int,
) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Return the nearest pairs of clusters, and their mean squared distances, ascending.

    The mean of ``|x - y|**2`` over two clusters is the sum of their means of ``|x|**2``, less twice the product of
    their mean vectors.
    """
    means, squares = _moments(points, codes, n_clusters)
    found = [(np.empty(0), np.empty((2, 0), np.int64))]
    step = max(1, _CHUNK // max(1, n_clusters))
    for first in range(0, n_clusters, step):
        rows = slice(first, first + step)
        distances = squares[rows, None] + squares[None, :] - 2 * means[rows] @ means.T
        distances[named[rows][:, None] & named[None, :]] = np.inf
        distances[np.tri(len(distances), n_clusters, first, dtype=bool)] = np.inf  # each pair once
        here = forbidden[(forbidden[:, 0] >= first) & (forbidden[:, 0] < first + step)]
        distances[here[:, 0] - first, here[:, 1]] = np.inf
        flat = distances.ravel()
        best = np.argpartition(flat, limit - 1)[:limit] if len(flat) > limit else np.arange(len(flat))
        best = best[np.isfinite(flat[best])]
        a, b = np.divmod(best, n_clusters)
        found.append((flat[best], np.stack([a + first, b])))
    distances = np.concatenate([part for part, _ in found])
    pairs = np.concatenate([part for _, part in found], axis=1)
    order = np.lexsort((pairs[1], pairs[0], distances))[:limit]
    return *pairs[:, order], np.maximum(distances[order], 0)


def _moments(
    points: NDArray[np.float64], codes: Integers, n_clusters: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each cluster, and the mean of the squared lengths; around the mean of all, for precision."""
    from scipy.sparse import csr_array

    rows = np.flatnonzero(codes >= 0)
    centred = points[rows] - points[rows].mean(axis=0) if len(rows) else points[rows]
    sizes = np.bincount(codes[rows], minlength=n_clusters)
    weights = 1 / sizes[codes[rows]]
    averaging = csr_array((weights, (codes[rows], np.arange(len(rows)))), shape=(n_clusters, len(rows)))
    return averaging @ centred, averaging @ np.square(centred).sum(axis=1)


def _nearest_rows(points: NDArray[np.float64], one: Integers, other: Integers) -> tuple[int, int]:
    """Return the two rows, one of each cluster, that are nearest to each other."""
    from scipy.spatial import cKDTree

    distances, places = cKDTree(points[other]).query(points[one])
    place = int(np.argmin(distances))
    return int(one[place]), int(other[places[place]])
