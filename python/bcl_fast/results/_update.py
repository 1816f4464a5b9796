"""Add tracks to a clustering that there is: old clusters keep their numbers and their names."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.checks import whole_at_least
from bcl_fast._utils.codes import by_first_appearance
from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.types import Integers
from bcl_fast.cluster._cut import check_threshold
from bcl_fast.cluster._incremental import extend_clusters
from bcl_fast.cluster._merge import LinkageName, check_linkage
from bcl_fast.errors import InputError
from bcl_fast.results._constrained import Violations, count_violated, settled
from bcl_fast.results._edits import apply_edits, name_people
from bcl_fast.results._known_again import check_known
from bcl_fast.results._names import cluster_names, names_of
from bcl_fast.results._no_faces import faces_of, with_rows_aside
from bcl_fast.results._places import places_in
from bcl_fast.results._points import points_of
from bcl_fast.results._result import ClusteringResult, describe_rows, fingerprints
from bcl_fast.results._unclustered import drop_small, number_alone
from bcl_fast.tracks import Edits, TrackPairs, TrackSet
from bcl_fast.tracks._checks import LARGEST_INTEGER
from bcl_fast.tracks._names import first_duplicate, track_name
from bcl_fast.tracks._pairs import sorted_pairs


class Growth(NamedTuple):
    """A cluster that new tracks joined or opened.

    ``name`` is ``""`` where the user gave none; ``n_before`` is 0 for a new cluster.
    """

    cluster_id: int
    name: str
    n_before: int
    n_added: int


def update_result(
    old: ClusteringResult,
    tracks: TrackSet,
    embeddings: ArrayLike,
    distance_threshold: float,
    *,
    linkage: LinkageName | None = None,
    neighbor_threshold: float | None = None,
    min_cluster_size: int = 1,
    pairs: TrackPairs | None = None,
    edits: Edits | None = None,
) -> ClusteringResult:
    """Add the tracks that a result does not have: a linkage goes on from its clusters.

    Old clusters keep their numbers and are never merged with each other, even where constraints that once kept them
    apart are no longer known. New people get the numbers after the largest. What a user has marked as no face stays
    that, and nothing is merged with it.

    Parameters
    ----------
    old : ClusteringResult
        With its embeddings, or else all of its tracks must be among ``tracks``.
    tracks : TrackSet
        New tracks; those that ``old`` has stay where they are.
    embeddings : array-like of shape (n_tracks, n_dimensions)
        A point on the unit sphere per track, made as those of ``old``.
    distance_threshold : float
        Squared distance at which merging stops.
    linkage, neighbor_threshold
        As in `cluster_tracks`; those of ``old``. By default the linkage that ``old`` says it was made by, else complete
        linkage; another than that is refused. All points, old and new, are averaged with their neighbours anew.
    min_cluster_size : int, default 1
        Tracks of smaller new clusters have the cluster -1. A track of ``old`` that is in no cluster stays so unless new
        tracks join it.
    pairs : TrackPairs, optional
        Constraints on ``tracks``. A must-link pair may draw a new track into an old cluster.
    edits : Edits, optional
        Decisions by hand, about old and new tracks: those about old ones are applied first (`apply_edits`), and new
        tracks keep to them.

    Returns
    -------
    result : ClusteringResult
        The rows of ``old`` in their order, then the new tracks.

    Raises
    ------
    InputError
        If the threshold is NaN or negative, the linkage another, the least size below 1, the result is empty or lists a
        track twice or clusters below -1, embeddings of old tracks are missing, or of another dimension, or not those of
        the result, a must-link pair would join two old clusters, or a cannot-link pair is of tracks that must-link
        pairs join.
    """
    check_threshold(distance_threshold)
    linkage = linkage_of(old, linkage)
    min_cluster_size = whole_at_least("min_cluster_size", min_cluster_size, 1)
    _check_old(old, tracks.n_tracks)
    given, points = edits or Edits(), points_of(tracks, embeddings)
    if given.among(old).n_tracks:
        old = apply_edits(old, given.among(old))
    kept, is_face = faces_of(old, tracks, given.are_no_faces(tracks))
    faces = np.flatnonzero(is_face)
    known = None if pairs is None else pairs.among(faces, tracks.n_tracks)
    options = (linkage, neighbor_threshold, min_cluster_size, known, given)
    part = _update(kept, tracks.select(faces), points[faces], distance_threshold, *options)
    if kept.n_tracks < old.n_tracks or not is_face.all():
        part = with_rows_aside(part, old, tracks, points, is_face)
    return name_people(part, given)


def _update(
    old: ClusteringResult,
    tracks: TrackSet,
    embeddings: NDArray[Any],
    distance_threshold: float,
    linkage: LinkageName,
    neighbor_threshold: float | None,
    min_cluster_size: int,
    pairs: TrackPairs | None,
    edits: Edits,
) -> ClusteringResult:
    """`update_result` of what holds faces alone."""
    known_at = places_in(old, tracks)
    given, links = old.cluster_ids, known_at[(pairs or TrackPairs()).must_link]
    old = replace(old, cluster_ids=number_alone(given, links[(links >= 0).all(axis=1)]))
    points, place, is_new = _points(old, tracks, embeddings, known_at)
    n_old = old.n_tracks
    track_ids = np.append(old.track_ids, tracks.track_ids[is_new])
    video_ids = np.append(old.video_ids, tracks.video_ids[is_new])
    known = TrackPairs(*(sorted_pairs(place[part], len(points)) for part in pairs or TrackPairs()))
    known = known.joined(edits.pairs_of_names(video_ids, track_ids), len(points))
    clusters = by_first_appearance(old.cluster_ids)
    first_members = np.unique(clusters, return_index=True)[1]
    plain_groups = np.append(clusters, np.arange(len(points) - n_old) + len(first_members))
    groups = _with_links(plain_groups, first_members, known.must_link, old)
    cannot_link = _without_old_violations(groups, known.cannot_link, n_old, old, tracks, is_new)

    moved = settled(points, neighbor_threshold, known.cannot_link)

    def extended(groups: Integers, cannot_link: Integers) -> Integers:
        return extend_clusters(
            moved, groups, len(first_members), distance_threshold, linkage=linkage, cannot_link=cannot_link
        ).labels

    labels = extended(groups, cannot_link)
    ids_of_old = old.cluster_ids[first_members]
    n_opened = int(labels.max()) + 1 - len(ids_of_old)
    numbers = np.append(ids_of_old, np.arange(n_opened) + old.cluster_ids.max() + 1)
    violations = None
    if pairs is not None:
        plain = labels if not len(known.must_link) + len(cannot_link) else extended(plain_groups, cannot_link[:0])
        counts = (count_violated(found, known.cannot_link) for found in (plain, labels))
        violations = Violations(len(known.cannot_link), *counts)
    described = describe_rows(
        track_ids,
        video_ids,
        points,
        drop_small(numbers[labels], given, min_cluster_size),
    )
    return replace(
        described,
        names=names_of(old, described),
        embedded_by=old.embedded_by,
        violations=violations,
        fingerprints=fingerprints(points),
        linkage=linkage,
        distance_threshold=float(distance_threshold),
    )


def linkage_of(old: ClusteringResult, linkage: LinkageName | None) -> LinkageName:
    """Return by which linkage tracks are added to a result: its own, which none that is given may contradict.

    Raises
    ------
    InputError
        If it does, or is another than complete and average linkage.
    """
    if linkage is None:
        return old.linkage or "complete"
    check_linkage(linkage)
    if old.linkage not in (None, linkage):
        raise InputError(
            f"the result to add to was made by {old.linkage} linkage, got {linkage}: add to it by its own, or cluster "
            "all tracks anew"
        )
    return linkage


def _check_old(old: ClusteringResult, n_added: int) -> None:
    if old.n_tracks == 0:
        raise InputError("the result to add to must have at least one track, got none")
    twice = first_duplicate(old.video_ids, old.track_ids)
    if twice is not None:
        name = track_name(old.track_ids[twice[0]], old.video_ids[twice[0]])
        raise InputError(f"the result to add to must hold each track once, got {name} twice")
    for wild in (old.cluster_ids.min(), old.cluster_ids.max()):
        if not -1 <= wild <= LARGEST_INTEGER - n_added:
            raise InputError(
                f"the clusters of the result to add to must have numbers from 0 to 2**62, or -1 for none, got {wild}"
            )


def _points(
    old: ClusteringResult, tracks: TrackSet, embeddings: NDArray[Any], known_at: Integers
) -> tuple[NDArray[Any], Integers, NDArray[np.bool_]]:
    """Points of the old rows and of new tracks, the place of each track among them, and which tracks are new."""
    check_known(old, tracks, embeddings, known_at)
    place, is_new = known_at.copy(), known_at < 0
    before = old.embeddings
    if before is None:
        missing = np.ones(old.n_tracks, bool)
        missing[place[~is_new]] = False
        if missing.any():
            raise InputError(
                f"the result to add to has no embeddings, and {missing.sum()} of its {old.n_tracks} tracks are not "
                "given: give the files of its tracks beside the new ones, or a result that was written as .parquet"
            )
        before = np.empty((old.n_tracks, embeddings.shape[1]), embeddings.dtype)
        before[place[~is_new]] = embeddings[~is_new]
    place[is_new] = old.n_tracks + np.arange(is_new.sum())
    return np.concatenate([before, embeddings[is_new].astype(before.dtype, copy=False)]), place, is_new


def _with_links(groups: Integers, first_members: Integers, must_link: Integers, old: ClusteringResult) -> Integers:
    """Join groups that must-link pairs connect; two old clusters may not be."""
    joined = by_first_appearance(linked_groups(groups[must_link], int(groups.max()) + 1)[groups])
    numbers, counts = np.unique(joined[first_members], return_counts=True)
    if counts.max(initial=0) > 1:
        number = numbers[counts > 1][0]
        one, other = old.cluster_ids[first_members[joined[first_members] == number]][:2]
        raise InputError(
            f"must pairs join the clusters {one} and {other} of the result, which keep their numbers: "
            "merge them first (bcl-fast merge, merge_clusters)"
        )
    return joined


def _without_old_violations(
    groups: Integers,
    cannot_link: Integers,
    n_old: int,
    old: ClusteringResult,
    tracks: TrackSet,
    is_new: NDArray[np.bool_],
) -> Integers:
    """Leave out pairs that old clusters violate; a pair of two new tracks, or of a new and an old one, is an error."""
    together = groups[cannot_link[:, 0]] == groups[cannot_link[:, 1]]
    of_old = together & (cannot_link < n_old).all(axis=1)
    contradictions = cannot_link[together & ~of_old]
    if len(contradictions):
        track_ids = np.append(old.track_ids, tracks.track_ids[is_new])
        video_ids = np.append(old.video_ids, tracks.video_ids[is_new])
        one, other = (track_name(track_ids[row], video_ids[row]) for row in contradictions[0])
        raise InputError(f"{one} and {other} are two people, but must pairs put them into one cluster")
    if of_old.any():
        warnings.warn(
            f"{of_old.sum()} pairs of two people share a cluster of the result already, and stay there", stacklevel=3
        )
    return cannot_link[~together]


def growth(old: ClusteringResult, new: ClusteringResult) -> list[Growth]:
    """List the clusters that grew or are new, those that grew most first."""
    names = cluster_names(new)
    before = dict(zip(*np.unique(old.cluster_ids[old.cluster_ids >= 0], return_counts=True), strict=True))
    clusters = []
    for cluster, size in zip(*(part.tolist() for part in np.unique(new.cluster_ids, return_counts=True)), strict=True):
        n_before = int(before.get(cluster, 0))
        if cluster >= 0 and size > n_before:
            clusters.append(Growth(cluster, names.get(cluster, ""), n_before, size - n_before))
    return sorted(clusters, key=lambda row: (-row.n_added, row.cluster_id))
