"""A result as a user corrected it: people put together and taken apart, named, and what is no face left out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bcl_fast._utils.text import counted, one_line
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._merge import merge_clusters, renumbered
from bcl_fast.results._names import cluster_names, name_clusters, named
from bcl_fast.results._result import ClusteringResult
from bcl_fast.tracks import Edits
from bcl_fast.tracks._edits import UNMOVED, Track, combine_edits, track_index


def apply_edits(result: ClusteringResult, edits: Edits) -> ClusteringResult:
    """Correct a result by decisions that were made by hand.

    The tracks of a person are a cluster. A track of which nothing is said stays with the others of its cluster; where
    these have become several people, it goes with those that are nearest to it, or, without embeddings, with the most.
    A cluster keeps its number with the largest part of it, one that two people share with the first of them; new
    clusters get the numbers after the largest. Clusters of one name are one person.

    Parameters
    ----------
    result : ClusteringResult
    edits : Edits
        What they say of tracks that the result does not have is left out, with a warning.

    Returns
    -------
    edited : ClusteringResult
        Its rows are those of ``result``, with sizes and distances counted anew.

    Raises
    ------
    InputError
        If decisions contradict each other or a name of the result that says that two clusters are two people; or none
        of the tracks is in the result.

    Examples
    --------
    >>> from bcl_fast import TrackSet, cluster_tracks
    >>> from bcl_fast.results import apply_edits
    >>> from bcl_fast.tracks import Edits, Person
    >>> tracks = TrackSet.from_arrays([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]], track_ids=["a", "b", "c"], video_ids="ep1")
    >>> result = cluster_tracks(tracks, tracks.features, distance_threshold=0.1)
    >>> edited = apply_edits(result, Edits(people=(Person((("ep1", "b"), ("ep1", "c")), "Ann"),)))
    >>> edited.cluster_ids.tolist(), edited.names.tolist()
    ([0, 0, 0], ['Ann', 'Ann', 'Ann'])
    """
    edits = combine_edits([("the edits", edits)])
    index = track_index(result)
    _say_missing(edits, result)
    people = _rows([person.tracks for person in edits.people], index)
    faceless = _with_no_faces(result, [index[track] for track in edits.not_a_face if track in index], people)
    marked = set() if faceless.not_a_face is None else set(np.flatnonzero(faceless.not_a_face).tolist())
    moved = [[row for row in rows if row not in marked] for rows in _rows((edits.threshold or UNMOVED).clusters, index)]
    cluster_ids = _placed(faceless, faceless.cluster_ids, moved)
    cluster_ids = _placed(faceless, cluster_ids, people)
    edited = renumbered(faceless, cluster_ids, changed=_changed(result.cluster_ids, cluster_ids))
    names = _names(result, cluster_ids, people, edits)
    if names or result.names is not None:
        edited = merge_clusters(replace(edited, names=named(edited.cluster_ids, names)))
    _check_apart(edited, people, edits)
    if edits.threshold is not None:
        edited = replace(edited, distance_threshold=edits.threshold.distance_threshold)
    return replace(edited, linkage=result.linkage)


def name_people(result: ClusteringResult, edits: Edits) -> ClusteringResult:
    """Give the clusters of people the names that these have; those of other clusters stay.

    A named person whose tracks are in no cluster, because they are few, becomes one: somebody has decided so.
    """
    rows_of_people = _rows([person.tracks for person in edits.people], track_index(result))
    people = [
        (rows, person.name) for rows, person in zip(rows_of_people, edits.people, strict=True) if rows and person.name
    ]
    cluster_ids = result.cluster_ids.copy()
    for rows, _ in people:
        if (cluster_ids[rows] < 0).all():
            cluster_ids[rows] = cluster_ids.max() + 1
    added = cluster_ids != result.cluster_ids
    if added.any():
        kept = renumbered(result, cluster_ids, changed=added)
        result = replace(kept, names=result.names, violations=result.violations)
    names = {int(cluster_ids[rows].max()): name for rows, name in people}
    return name_clusters(result, names) if names else result


def _say_missing(edits: Edits, result: ClusteringResult) -> None:
    n_missing = edits.n_missing(result)
    if n_missing and n_missing == edits.n_tracks:
        raise InputError(f"edits must be about tracks of the result, which has none of the {n_missing} in these")
    if n_missing:
        warnings.warn(
            f"the result lacks {counted(n_missing, 'track')} of the edits: what they say of them is left out",
            stacklevel=3,
        )


def _rows(clusters: Sequence[Sequence[Track]], index: dict[Track, int]) -> list[list[int]]:
    return [[index[track] for track in cluster if track in index] for cluster in clusters]


def _with_no_faces(result: ClusteringResult, marked: list[int], people: list[list[int]]) -> ClusteringResult:
    """Mark rows as no faces, and those of people as faces after all."""
    is_no_face = np.zeros(result.n_tracks, bool) if result.not_a_face is None else result.not_a_face.copy()
    is_no_face[[row for rows in people for row in rows]] = False
    is_no_face[marked] = True
    cluster_ids = np.where(is_no_face, -1, result.cluster_ids)
    return replace(result, cluster_ids=cluster_ids, not_a_face=is_no_face if is_no_face.any() else None)


def _placed(result: ClusteringResult, cluster_ids: Integers, groups: list[list[int]]) -> Integers:
    """Return the cluster of each row where those of a group are one, and what shared a cluster with them follows."""
    if not groups:
        return cluster_ids
    group = np.full(len(cluster_ids), -1)
    for number, rows in enumerate(groups):
        group[rows] = number
    touched = np.unique(cluster_ids[(group >= 0) & (cluster_ids >= 0)])
    for cluster in touched.tolist():
        members = np.flatnonzero(cluster_ids == cluster)
        rest = members[group[members] < 0]
        if len(rest):
            group[rest] = _nearest_group(result, rest, members[group[members] >= 0], group)
    return _numbered(cluster_ids, group, len(groups))


def _nearest_group(result: ClusteringResult, rest: Integers, known: Integers, group: Integers) -> Integers:
    """Return the group of each row that no group names, among those of the rows of its cluster that one does."""
    groups, codes, sizes = np.unique(group[known], return_inverse=True, return_counts=True)
    if len(groups) == 1 or result.embeddings is None:
        return np.full(len(rest), groups[np.argmax(sizes)])
    points = result.embeddings.astype(np.float64)
    means = np.stack([points[known[codes == code]].mean(axis=0) for code in range(len(groups))])
    return groups[np.square(points[rest][:, None] - means).sum(axis=2).argmin(axis=1)]


def _numbered(cluster_ids: Integers, group: Integers, n_groups: int) -> Integers:
    """Give each group the smallest number of the clusters of which it holds the largest part, or a new one."""
    rows = np.flatnonzero((group >= 0) & (cluster_ids >= 0))
    pairs, sizes = np.unique(np.stack([cluster_ids[rows], group[rows]], axis=1), axis=0, return_counts=True)
    number_of = np.full(n_groups, -1)
    order = np.lexsort((pairs[:, 1], -sizes, pairs[:, 0]))
    clusters, first = np.unique(pairs[order, 0], return_index=True)
    for cluster, owner in zip(clusters.tolist(), pairs[order[first], 1].tolist(), strict=True):
        if number_of[owner] < 0:
            number_of[owner] = cluster
    new = np.flatnonzero((number_of < 0) & (np.bincount(group[group >= 0], minlength=n_groups) > 0))
    number_of[new] = cluster_ids.max(initial=-1) + 1 + np.arange(len(new))
    return np.where(group >= 0, number_of[group], cluster_ids)


def _changed(before: Integers, after: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return in which rows the cluster holds other tracks than before."""
    pairs = np.unique(np.stack([before, after], axis=1), axis=0)
    olds, n_olds = np.unique(pairs[:, 0], return_counts=True)
    news, n_news = np.unique(pairs[:, 1], return_counts=True)
    return np.isin(before, olds[n_olds > 1]) | np.isin(after, news[n_news > 1])


def _names(result: ClusteringResult, cluster_ids: Integers, people: list[list[int]], edits: Edits) -> dict[int, str]:
    """Return the names of the clusters: those that they had, and those that people have now."""
    given: dict[int, str] = {}
    holders: dict[str, list[int]] = {}  # the rows of who has a name by the edits
    for rows, person in zip(people, edits.people, strict=True):
        if rows and person.name is not None:
            given[int(cluster_ids[rows[0]])] = person.name
            if person.name:
                holders[person.name] = rows
    names: dict[int, str] = {}
    for cluster, name in cluster_names(result).items():
        had = np.flatnonzero((result.cluster_ids == cluster) & (cluster_ids >= 0))
        if len(had) == 0 or not set(holders.get(name, ())).isdisjoint(had.tolist()):
            continue  # nobody is left, or one of them has the name now
        parts, sizes = np.unique(cluster_ids[had], return_counts=True)
        heir = cluster if cluster in parts else int(parts[np.argmax(sizes)])
        if heir not in given and names.setdefault(heir, name) != name:
            raise InputError(
                f"a person must have one name, got {one_line(repr(names[heir]))} and {one_line(repr(name))}, which the "
                "result calls clusters that the edits make one person: the edits must say which"
            )
    return {cluster: name for cluster, name in (names | given).items() if name}


def _check_apart(edited: ClusteringResult, people: list[list[int]], edits: Edits) -> None:
    """Refuse that people who are two have become one, through a name that clusters share."""
    for one, other in edits.apart:
        if people[one] and people[other]:
            clusters = edited.cluster_ids[[people[one][0], people[other][0]]]
            if clusters[0] == clusters[1]:
                names = [repr(person.name) if person.name else "a person" for person in edits.people]
                raise InputError(
                    f"the edits say that {one_line(names[one])} and {one_line(names[other])} are two people, but a "
                    "name that clusters of the result share makes them one"
                )
