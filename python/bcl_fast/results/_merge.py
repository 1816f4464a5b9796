"""Clusters of one person put together: those that a user names alike, or lists."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._names import cluster_names, named
from bcl_fast.results._result import ClusteringResult, describe_rows


def merge_clusters(result: ClusteringResult, groups: Iterable[Iterable[int]] | None = None) -> ClusteringResult:
    """Put clusters together that are one person.

    A merged cluster has the smallest number of its parts, and the name that parts of it have; all other clusters keep
    their numbers and names. Sizes are counted anew, and distances to centroids computed from the embeddings; without
    embeddings, those of merged clusters are NaN.

    Parameters
    ----------
    result : ClusteringResult
    groups : iterable of iterables of int, optional
        Numbers of clusters, each group one person; groups that share a cluster are one. By default the clusters that
        have the same name.

    Returns
    -------
    merged : ClusteringResult

    Raises
    ------
    InputError
        If there is no such cluster, or clusters of one group have two names.
    """
    names = cluster_names(result)
    if groups is None:
        alike: dict[str, list[int]] = defaultdict(list)
        for cluster, name in names.items():
            alike[name].append(cluster)
        groups = alike.values()
    numbers = np.unique(result.cluster_ids)
    merged = _merged_numbers(
        numbers, [[whole_number("a cluster to merge", cluster) for cluster in group] for group in groups]
    )
    given: dict[int, str] = {}
    for old, new in zip(numbers.tolist(), merged.tolist(), strict=True):
        name = names.get(old, "")
        if name and given.setdefault(new, name) != name:
            raise InputError(
                f"clusters of one person must have one name, got {one_line(given[new])!r} and {one_line(name)!r}"
            )
    cluster_ids = merged[np.searchsorted(numbers, result.cluster_ids)]
    described = renumbered(result, cluster_ids, changed=np.isin(cluster_ids, merged[merged != numbers]))
    return replace(described, names=None if result.names is None else named(cluster_ids, given))


def _merged_numbers(numbers: Integers, groups: list[list[int]]) -> Integers:
    """Return the number of each cluster after the merges: the smallest one of its group."""
    known = {number: place for place, number in enumerate(numbers.tolist())}
    for group in groups:
        for cluster in group:
            if cluster not in known:
                raise InputError(f"clusters to merge must be clusters of the result, got {cluster}, which it lacks")
    pairs = [(known[group[0]], known[cluster]) for group in groups for cluster in group[1:]]
    person = by_first_appearance(linked_groups(np.array(pairs, np.int64).reshape(-1, 2), len(numbers)))
    smallest = np.full(int(person.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(smallest, person, numbers)
    return smallest[person]


def renumbered(
    result: ClusteringResult, cluster_ids: Integers, changed: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> ClusteringResult:
    """Return a result with other clusters, of which ``changed`` says in which rows they hold other tracks."""
    if result.embeddings is not None:
        described = describe_rows(result.track_ids, result.video_ids, result.embeddings, cluster_ids)
        return replace(
            described,
            embeddings=result.embeddings,
            embedded_by=result.embedded_by,
            fingerprints=result.fingerprints,
            linkage=result.linkage,
            distance_threshold=result.distance_threshold,
            not_a_face=result.not_a_face,
        )
    _, codes, sizes = np.unique(cluster_ids, return_inverse=True, return_counts=True)
    return replace(
        result,
        cluster_ids=cluster_ids,
        cluster_sizes=np.where(cluster_ids < 0, 0, sizes[codes]),
        distances_to_centroid=np.where(changed | (cluster_ids < 0), np.float32(np.nan), result.distances_to_centroid),
        violations=None,
    )
