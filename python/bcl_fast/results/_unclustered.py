"""Tracks that are in no cluster (-1), where new tracks are added to a result."""

from __future__ import annotations

import numpy as np

from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.types import Integers


def number_alone(cluster_ids: Integers, must_link: Integers) -> Integers:
    """Give each track without a cluster that of a track it is linked to, or one of its own after the largest number."""
    groups = linked_groups(must_link, len(cluster_ids))
    cluster_of_group = np.full(groups.max(initial=-1) + 1, -1)
    np.maximum.at(cluster_of_group, groups, cluster_ids)
    numbers = np.where(cluster_ids < 0, cluster_of_group[groups], cluster_ids)
    alone = numbers < 0
    numbers[alone] = by_first_appearance(groups[alone]) + cluster_ids.max(initial=-1) + 1
    return numbers


def drop_small(numbers: Integers, old: Integers, min_cluster_size: int) -> Integers:
    """Label the tracks of new clusters -1 where these are too small, or one track that was in no cluster before.

    Parameters
    ----------
    numbers : ndarray of shape (n_tracks,), int64
        Clusters after the update, which began with `number_alone`.
    old : ndarray of shape (n_old,), int64
        Clusters before it, of the first tracks; these keep their numbers whatever their size.
    min_cluster_size : int

    Returns
    -------
    ndarray of shape (n_tracks,), int64
        New clusters have the numbers after the largest of the old ones.
    """
    distinct, codes, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    is_old = np.zeros(len(distinct), bool)
    is_old[codes[: len(old)][old >= 0]] = True
    was_alone = np.zeros(len(distinct), bool)
    was_alone[codes[: len(old)][old < 0]] = True
    keep = is_old | (sizes >= min_cluster_size) & ~(was_alone & (sizes == 1))
    ids = np.where(keep, distinct, -1)
    opened = keep & ~is_old
    ids[opened] = np.arange(opened.sum()) + old.max(initial=-1) + 1
    return ids[codes]
