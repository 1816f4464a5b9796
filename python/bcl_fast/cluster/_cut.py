"""Where a dendrogram is cut: at a distance, or at a number of clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.checks import plain_number, whole_number
from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.text import brief
from bcl_fast.cluster._limits import NO_LIMITS, Limits, clusters_left, number_clusters, resolve_limits
from bcl_fast.cluster._result import CompleteLinkage
from bcl_fast.errors import InputError

# Merges up to a threshold in order, and the cluster of each sample, numbered by first appearance.
Merges = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class Cut(NamedTuple):
    """Where merging ends.

    Attributes
    ----------
    distance_threshold : float
        Merges up to and including this height are made; infinite: all of them.
    n_clusters : int or None
        If given, merging ends as soon as so many are left.
    limits : Limits
        Where the threshold leaves a number of clusters that they forbid, merging ends at the nearest that they allow.
    """

    distance_threshold: float
    n_clusters: int | None
    limits: Limits = NO_LIMITS

    def check_samples(self, n_samples: int) -> None:
        """Refuse a number of clusters that so many samples cannot form, before any work is done."""
        if self.n_clusters is not None:
            check_n_clusters(self.n_clusters, n_samples)
        fewest, size = self.limits.min_clusters or 0, self.limits.min_cluster_size
        if fewest * size > n_samples:
            raise InputError(f"{self.limits} cannot be had of {n_samples} samples")

    def make(self, merge: Callable[[float], Merges]) -> tuple[CompleteLinkage, float]:
        """Return the clusters, and the distance up to which clusters were merged."""
        merges, clusters = merge(self.distance_threshold)
        n_samples, n_made, size = len(clusters), len(merges), self.limits.min_cluster_size
        counts = clusters_left(merges, n_samples, size)
        if self._asks_for_more(int(counts[-1])):
            merges, clusters = merge(np.inf)
            counts = clusters_left(merges, n_samples, size)
        if self.n_clusters is not None and size == 1:
            place = n_samples - self.n_clusters  # cut_merges says what to do if there are fewer merges
        else:
            place = self.limits.nearest(counts, n_made)
        if place != len(merges):
            clusters, merges = cut_merges(merges, n_samples, n_samples - place), merges[:place]
        reach = self.distance_threshold if place == n_made and self.n_clusters is None else _last_height(merges[:, 2])
        return CompleteLinkage(number_clusters(clusters, size), merges, int(counts[place])), reach

    def _asks_for_more(self, n_clusters: int) -> bool:
        """Whether merges beyond the threshold may be wanted, for those up to it leave so many clusters."""
        if np.isinf(self.distance_threshold) or self.limits.allows(np.array(n_clusters)):
            return False
        return self.limits.min_cluster_size > 1 or n_clusters > (self.limits.min_clusters or 0)


def _last_height(heights: npt.NDArray[np.float64]) -> float:
    return float(heights[-1]) if len(heights) else 0.0


def resolve_cut(
    distance_threshold: float | None,
    n_clusters: int | None,
    min_clusters: int | None = None,
    max_clusters: int | None = None,
    min_cluster_size: int = 1,
) -> Cut:
    """Return where merging ends: at the one that is given, nowhere without any; within limits."""
    if n_clusters is not None and distance_threshold is not None:
        raise InputError("distance_threshold and n_clusters exclude each other: give one of them")
    if n_clusters is not None:
        if min_clusters is not None or max_clusters is not None:
            raise InputError("n_clusters excludes min_clusters and max_clusters: give the one or the others")
        number = whole_number("n_clusters", n_clusters)
        limits = resolve_limits(None, None, min_cluster_size)._replace(min_clusters=number, max_clusters=number)
        return Cut(np.inf, number, limits)
    limits = resolve_limits(min_clusters, max_clusters, min_cluster_size)
    return Cut(np.inf if distance_threshold is None else check_threshold(distance_threshold), None, limits)


def check_threshold(distance_threshold: float) -> float:
    """Return the threshold as a float."""
    try:
        threshold = float(plain_number(distance_threshold))
    except (TypeError, ValueError, OverflowError):
        threshold = np.nan
    if not threshold >= 0:
        raise InputError(f"distance_threshold must be a distance >= 0, got {brief(distance_threshold)}")
    return threshold


def check_n_clusters(n_clusters: int, n_samples: int) -> None:
    """Refuse a number of clusters that so many samples cannot form."""
    if not 1 <= n_clusters <= n_samples:
        raise InputError(f"n_clusters must be between 1 and n_samples ({n_samples}), got {n_clusters}")


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
        A ValueError: if ``n_clusters`` is no whole number or out of range, or the merges end before it is reached.

    Examples
    --------
    >>> from bcl_fast.cluster import complete_linkage, cut_merges
    >>> merges = complete_linkage([[0.0], [1.0], [5.0], [5.5]], distance_threshold=1.0).merges
    >>> cut_merges(merges, n_samples=4, n_clusters=3)
    array([0, 1, 2, 2])
    """
    rows = as_array(merges, "merges")
    if rows.dtype.kind not in "fiub":
        raise InputError(f"merges must be real numbers, got dtype {rows.dtype}")
    rows = rows.astype(np.float64)
    n_samples, n_clusters = whole_number("n_samples", n_samples), whole_number("n_clusters", n_clusters)
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise InputError(f"merges must have shape (n_merges, 4), got shape {rows.shape}")
    check_n_clusters(n_clusters, n_samples)
    n_merges = n_samples - n_clusters
    if n_merges > len(rows):
        raise InputError(
            f"{n_clusters} clusters of {n_samples} samples take {n_merges} merges, got {len(rows)}: "
            f"raise the distance threshold or ask for at least {n_samples - len(rows)} clusters"
        )
    children = rows[:n_merges, :2]
    made = np.arange(n_samples, n_samples + n_merges)[:, None]
    wrong = ~((children >= 0) & (children < made) & (children == np.floor(children)))
    if wrong.any():
        row = int(wrong.any(axis=1).argmax())
        raise InputError(f"merges must be of clusters that there are, got {children[row].tolist()} in row {row}")
    return label_merges(children.astype(np.int64), n_samples)


def label_merges(children: npt.NDArray[np.int64], n_samples: int) -> npt.NDArray[np.int64]:
    """Label samples after merges, numbered by first appearance."""
    return by_first_appearance(_roots(children, n_samples)[:n_samples])


def _roots(children: npt.NDArray[np.int64], n_samples: int) -> npt.NDArray[np.int64]:
    """Return the last cluster that each node of a dendrogram ends up in."""
    parent = np.arange(n_samples + len(children))
    parent[children] = np.arange(n_samples, len(parent))[:, None]
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above
