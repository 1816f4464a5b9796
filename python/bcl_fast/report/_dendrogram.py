"""The merges that a slider makes and undoes: inside the clusters of a result, and between them above the threshold.

A merge is two tracks and a height: it puts together whatever clusters the two are in by then. So a cut at a threshold
is a union of the pairs up to it, in order, in any language.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.results import ClusteringResult

REACH = 2.0  # times the threshold: how far merges between clusters are followed


class Merges(NamedTuple):
    """Pairs of rows of a result, (n_merges, 2) int64, and the heights of the merges they stand for, ascending."""

    rows: Integers
    heights: NDArray[np.float64]


class Dendrogram(NamedTuple):
    """Merges of a result.

    Attributes
    ----------
    threshold : float
        Where the result is cut: all merges within clusters are at most this high, those between them higher.
    within : Merges
        Of the tracks of each cluster, down to single tracks. Where a cluster was made by other points or constraints
        and these say more than the threshold, its heights are scaled down to it.
    between : Merges
        Of the clusters, up to `REACH` times the threshold.
    """

    threshold: float
    within: Merges
    between: Merges


def dendrogram_of(result: ClusteringResult, cannot_link: Integers | None = None) -> Dendrogram:
    """Find the merges around the threshold of a result.

    Parameters
    ----------
    result : ClusteringResult
        Without embeddings there are no merges.
    cannot_link : ndarray of shape (n_pairs, 2), int64, optional
        Rows of the result that are two people.

    Returns
    -------
    dendrogram : Dendrogram
    """
    if result.embeddings is None or not (result.cluster_ids >= 0).any():
        return Dendrogram(result.distance_threshold or 0.0, _NO_MERGES, _NO_MERGES)
    link = LINKAGES[result.linkage or "complete"]
    rows = np.flatnonzero(result.cluster_ids >= 0)
    points, clusters = result.embeddings[rows], result.cluster_ids[rows]
    members = np.split(np.argsort(clusters, kind="stable"), np.cumsum(np.unique(clusters, return_counts=True)[1])[:-1])
    inside = [_inside(link, points, part, result.distance_threshold) for part in members if len(part) > 1]
    within = _sorted(inside)
    threshold = result.distance_threshold
    if threshold is None:
        threshold = float(within.heights[-1]) if len(within.heights) else 0.0
    between = _between(link, points, members, threshold, _across(_among(rows, cannot_link, result.n_tracks), clusters))
    return Dendrogram(threshold, *(Merges(rows[part.rows], part.heights) for part in (within, between)))


_NO_MERGES = Merges(np.empty((0, 2), np.int64), np.empty(0))


def _inside(link: Any, points: NDArray[Any], members: Integers, threshold: float | None) -> Merges:
    merges = link(points[members], np.inf).merges
    heights = merges[:, 2]
    if threshold is not None and heights[-1] > threshold:
        heights = heights * (threshold / heights[-1])
    return Merges(members[_ends(merges, len(members))], heights)


def _between(
    link: Any, points: NDArray[Any], members: list[Integers], threshold: float, cannot_link: Integers
) -> Merges:
    if len(members) < 2:
        return _NO_MERGES
    must_link = np.concatenate([np.stack([np.full(len(part) - 1, part[0]), part[1:]], axis=1) for part in members])
    found = link(points, REACH * threshold, must_link=must_link, cannot_link=cannot_link)
    ends = _ends(found.merges, len(points))[len(must_link) :]
    above = np.nextafter(threshold, np.inf)
    return Merges(ends, np.maximum(found.merges[len(must_link) :, 2], above))


def _among(rows: Integers, cannot_link: Integers | None, n_tracks: int) -> Integers:
    """Return pairs of rows as pairs of places in ``rows``."""
    if cannot_link is None:
        return np.empty((0, 2), np.int64)
    place = np.full(n_tracks, -1)
    place[rows] = np.arange(len(rows))
    pairs = place[cannot_link]
    return pairs[(pairs >= 0).all(axis=1)]


def _across(pairs: Integers, clusters: Integers) -> Integers:
    """Leave out pairs that a cluster violates already."""
    return pairs[clusters[pairs[:, 0]] != clusters[pairs[:, 1]]]


def _ends(merges: NDArray[np.float64], n_samples: int) -> Integers:
    """Return a sample of each of the two clusters of every merge."""
    sample = np.append(np.arange(n_samples), np.empty(len(merges), np.int64))
    children = merges[:, :2].astype(np.int64)
    for made, first in enumerate(children[:, 0].tolist(), start=n_samples):
        sample[made] = sample[first]
    return sample[children]


def _sorted(parts: list[Merges]) -> Merges:
    if not parts:
        return _NO_MERGES
    rows, heights = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.argsort(heights, kind="stable")
    return Merges(rows[order], heights[order])
