"""How many clusters a caller takes, and from what size on a cluster is one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.codes import by_first_appearance
from bcl_fast.errors import InputError


class Limits(NamedTuple):
    """What a cut must fulfil.

    Attributes
    ----------
    min_clusters, max_clusters : int or None
        Fewest and most clusters, small ones not counted.
    min_cluster_size : int
        Smaller clusters are none: their samples are labelled -1.
    """

    min_clusters: int | None = None
    max_clusters: int | None = None
    min_cluster_size: int = 1

    def allows(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Whether numbers of clusters are neither too small nor too large."""
        most = np.iinfo(np.int64).max if self.max_clusters is None else self.max_clusters
        return (counts >= (self.min_clusters or 0)) & (counts <= most)

    def nearest(self, counts: npt.NDArray[np.int64], place: int) -> int:
        """Return the place of an allowed number that is nearest to a place, of two such the later one.

        Where there are too many clusters it is a later one: to take back merges until few clusters are large enough
        would leave most samples in none.

        Raises
        ------
        InputError
            If none is allowed.
        """
        too_many = self.max_clusters is not None and counts[place] > self.max_clusters
        allowed = np.flatnonzero(self.allows(counts))
        allowed = allowed[allowed >= (place if too_many else 0)]
        if len(allowed) == 0:
            reachable = counts[place if too_many else 0 :]
            raise InputError(
                f"{self} cannot be had by any {'further merge' if too_many else 'cut'}: "
                f"they leave {reachable.min()} to {reachable.max()}"
            )
        return int(allowed[::-1][np.abs(allowed[::-1] - place).argmin()])

    def __str__(self) -> str:
        if self.min_clusters == self.max_clusters:
            number = f"n_clusters={self.min_clusters}"
        else:
            parts = ("min_clusters", self.min_clusters), ("max_clusters", self.max_clusters)
            number = " and ".join(f"{name}={value}" for name, value in parts if value is not None)
        return number + (f" of min_cluster_size={self.min_cluster_size}" if self.min_cluster_size > 1 else "")


NO_LIMITS = Limits()


def resolve_limits(min_clusters: int | None, max_clusters: int | None, min_cluster_size: int) -> Limits:
    """Check limits as `bcl_fast.cluster.complete_linkage` takes them."""
    named = {"min_clusters": min_clusters, "max_clusters": max_clusters, "min_cluster_size": min_cluster_size}
    numbers = {name: None if value is None else whole_number(name, value) for name, value in named.items()}
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise InputError(f"{name} must be >= 1, got {number}")
    fewest, most, size = numbers.values()
    if fewest is not None and most is not None and fewest > most:
        raise InputError(f"min_clusters must be at most max_clusters ({most}), got {fewest}")
    if size is None:
        raise InputError("min_cluster_size must be a whole number, got None")
    return Limits(fewest, most, size)


def clusters_left(merges: npt.NDArray[np.float64], n_samples: int, min_cluster_size: int) -> npt.NDArray[np.int64]:
    """Count the clusters of at least a size after 0, 1, ... of the merges.

    Parameters
    ----------
    merges : ndarray of shape (n_merges, 4)
        As `bcl_fast.cluster.complete_linkage` returns them.
    n_samples, min_cluster_size : int

    Returns
    -------
    ndarray of shape (n_merges + 1,), int64
    """
    if min_cluster_size <= 1:
        return n_samples - np.arange(len(merges) + 1)
    is_cluster = np.append(np.ones(n_samples), merges[:, 3]) >= min_cluster_size
    children = merges[:, :2].astype(np.int64)
    change = is_cluster[n_samples:].astype(np.int64) - is_cluster[children].sum(axis=1)
    return np.cumsum(np.append(0, change))


def number_clusters(
    clusters: npt.NDArray[np.int64], min_cluster_size: int, known: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.int64]:
    """Give clusters of at least a size numbers by first appearance, and samples of smaller ones -1.

    Parameters
    ----------
    clusters : ndarray of shape (n_samples,), int64
        All clusters, numbered from 0.
    min_cluster_size : int
    known : ndarray of shape (n_known,), int64, optional
        Labels of the first samples, which their clusters keep.

    Returns
    -------
    ndarray of shape (n_samples,), int64
    """
    if min_cluster_size <= 1:
        return clusters
    sizes = np.bincount(clusters)
    number_of = np.full(len(sizes), -1)
    n_known = 0 if known is None else len(known)
    number_of[clusters[:n_known]] = -1 if known is None else known
    new = clusters[(sizes[clusters] >= min_cluster_size) & (number_of[clusters] < 0)]
    number_of[new] = by_first_appearance(new) + number_of.max(initial=-1) + 1
    return number_of[clusters]
