"""Where a dendrogram is cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import by_first_appearance
from bcl_fast.errors import InputError


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
    >>> from bcl_fast.cluster import complete_linkage, cut_merges
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
