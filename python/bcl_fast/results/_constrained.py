"""Clusters that respect pairs of tracks, and how many pairs would be violated without."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Integers
from bcl_fast.cluster import average_neighbors
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._limits import NO_LIMITS, Limits
from bcl_fast.tracks import TrackPairs

if TYPE_CHECKING:
    from bcl_fast.cluster._merge import LinkageName
    from bcl_fast.cluster._progress import OnProgress
    from bcl_fast.distributed._engine import Engine


NO_PAIRS = np.empty((0, 2), np.int64)


class Violations(NamedTuple):
    """How many of the cannot-link pairs share a cluster.

    Attributes
    ----------
    n_cannot_link : int
        Pairs known to be two people.
    without : int
        Of these, pairs in one cluster when nothing forbids it: a measure of the embeddings that reads no label.
    constrained : int
        Of these, pairs in one cluster of the result.
    """

    n_cannot_link: int
    without: int
    constrained: int


def count_violated(labels: npt.ArrayLike, cannot_link: Integers) -> int:
    """Count the cannot-link pairs whose two tracks are in one cluster; -1 is none. Labels may be names too."""
    clusters = np.asarray(labels)
    one, other = clusters[cannot_link].T
    is_cluster = one >= 0 if clusters.dtype.kind == "i" else True
    return int(np.count_nonzero((one == other) & is_cluster))


def cluster_with_pairs(
    points: npt.NDArray[Any],
    distance_threshold: float,
    pairs: TrackPairs,
    *,
    linkage: LinkageName = "complete",
    neighbor_threshold: float | None = None,
    limits: Limits = NO_LIMITS,
    progress: OnProgress | None = None,
    device: str = "cpu",
    engine: Engine = "local",
) -> tuple[Integers, Violations]:
    """Cluster points under constraints, and count what they prevented.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_dimensions)
    distance_threshold : float
        Squared distance at which merging stops.
    pairs : TrackPairs
        Of samples.
    linkage : {"complete", "average"}, default "complete"
        What the threshold is for: the largest distance between two clusters' points, or the mean.
    neighbor_threshold : float, optional
        Points are averaged with their nearest neighbours within this squared distance first, those known to be two
        people excepted; see `average_neighbors`.
    limits : Limits
        On the number and the size of clusters.
    progress : callable, optional
        As in `bcl_fast.complete_linkage`, without the constraints and then, where they change something, with them.
    device, engine
        As in `bcl_fast.complete_linkage`.

    Returns
    -------
    labels : ndarray of shape (n_samples,), int64
        Clusters numbered by first appearance, -1 for those that are too small.
    violations : Violations
        Cannot-link pairs that share a cluster, without the constraints and with them.
    """
    points = settled(points, neighbor_threshold, pairs.cannot_link, device)
    how = {"progress": progress, "device": device, "engine": engine}
    link = partial(LINKAGES[linkage], points, distance_threshold, **limits._asdict(), **how)
    labels = link().labels
    n_without = n_violated = count_violated(labels, pairs.cannot_link)
    # If none of the pairs came together, no merge was forbidden: with the constraints the same ones are made. Of
    # clusters that are too small nothing is known.
    hidden = limits.min_cluster_size > 1 and len(pairs.cannot_link)
    if len(pairs.must_link) or n_without or hidden:
        labels = link(**pairs._asdict()).labels
        n_violated = count_violated(labels, pairs.cannot_link)
    return labels, Violations(len(pairs.cannot_link), n_without, n_violated)


def settled(
    points: npt.NDArray[Any], neighbor_threshold: float | None, cannot_link: Integers, device: str = "cpu"
) -> npt.NDArray[Any]:
    """Return the points that are clustered: averaged with their nearest neighbours, where a threshold says how near."""
    if neighbor_threshold is None:
        return points
    return average_neighbors(points, neighbor_threshold, cannot_link=cannot_link, device=device)
