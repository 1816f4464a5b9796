"""Scores of a clustering per video and over all videos together, as in the paper's Table 5."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.codes import categories, number_missing
from bcl_fast._utils.text import counted
from bcl_fast._utils.types import Integers, Labels, Points
from bcl_fast.cluster import complete_linkage
from bcl_fast.cluster._merge import LinkageName, check_linkage
from bcl_fast.errors import InputError
from bcl_fast.evaluation._metrics import b_cubed, normalized_mutual_information, weighted_clustering_purity
from bcl_fast.results import Violations, cluster_with_pairs, count_violated
from bcl_fast.results._points import points_of
from bcl_fast.tracks import TrackPairs, TrackSet, groups_of_videos
from bcl_fast.tracks._names import as_names

Clusterer = Callable[[Points, int], Labels]  # of points, told the number of identities whether it looks at that or not


class EvaluationRow(NamedTuple):
    """Scores of one video, or of several clustered together (``video == "all"``, or the name of a series).

    ``nmi`` is the normalised mutual information, ``wcp`` the weighted clustering purity, ``b_cubed_f`` the B-cubed
    F-score. Of ``n_cannot_link`` pairs of tracks known to be two people, ``violated_without`` would share a cluster
    without constraints and ``violated`` do.
    """

    video: str
    n_tracks: int
    n_identities: int
    n_clusters: int
    nmi: float
    wcp: float
    b_cubed_f: float
    n_cannot_link: int = 0
    violated_without: int = 0
    violated: int = 0


def evaluate(
    tracks: TrackSet,
    embeddings: ArrayLike,
    *,
    distance_threshold: float | None = None,
    linkage: LinkageName = "complete",
    neighbor_threshold: float | None = None,
    n_clusters: str | int | None = None,
    pairs: TrackPairs | None = None,
) -> list[EvaluationRow]:
    """Cluster each video by a linkage, and all videos together, and compare with the labels.

    Parameters
    ----------
    tracks : TrackSet
        Over all videos together, identities of the same name are the same person, as in the paper. Tracks without a
        label are clustered with the others, but not scored, which a warning says.
    embeddings : array-like of shape (n_tracks, n_dimensions)
        A point per track, such as ``model.embed_tracks(tracks)`` or `raw_embeddings`.
    distance_threshold : float, optional
        Squared distance at which merging stops, such as ``model.distance_threshold``.
    linkage, neighbor_threshold
        As in `bcl_fast.cluster_tracks`, with a threshold.
    n_clusters : {"true"} or int, optional
        In place of a threshold: the number of clusters of complete linkage, ``"true"`` for the number of identities;
        then tracks without a label are left out, as nobody knows how many people they show.
    pairs : TrackPairs, optional
        Constraints on the clusters, with a threshold; of a video those within it.

    Returns
    -------
    rows : list of EvaluationRow
        One per video with labels in order of first appearance, then ``"all"`` if there are two videos or more. Tracks,
        people and clusters are counted among the labelled tracks.

    Raises
    ------
    InputError
        If no track has a label, the embeddings are not one finite point per track, not exactly one of the two criteria
        is given, or it is out of range.
    """
    tracks.label_codes()
    if (distance_threshold is None) == (n_clusters is None):
        raise InputError("evaluation wants either a distance_threshold or n_clusters")
    if pairs is not None and distance_threshold is None:
        raise InputError("constraints on pairs want a distance_threshold, got a number of clusters")
    check_linkage(linkage)
    if distance_threshold is not None:
        _say_unlabelled(tracks, "clustered with the others, but not scored")
        points, threshold = points_of(tracks, embeddings), distance_threshold

        def to_threshold(members: Integers, within: TrackPairs) -> tuple[Labels, Violations]:
            return cluster_with_pairs(
                points[members], threshold, within, linkage=linkage, neighbor_threshold=neighbor_threshold
            )

        return _score_groups(tracks, pairs or TrackPairs(), to_threshold)
    if isinstance(n_clusters, str) and n_clusters != "true":
        raise InputError(f"n_clusters must be 'true' or a number, got {n_clusters!r}")
    given = None if isinstance(n_clusters, str) else whole_number("n_clusters", n_clusters)

    def to_count(points: Points, n_identities: int) -> Labels:
        return complete_linkage(points, n_clusters=n_identities if given is None else given).labels

    return score_clusterer(tracks, embeddings, to_count)


def evaluate_labels(tracks: TrackSet, labels: ArrayLike, *, pairs: TrackPairs | None = None) -> list[EvaluationRow]:
    """Compare clusters that there are, such as another tool's, with the labels: of each video, and of all together.

    Parameters
    ----------
    tracks : TrackSet
        Tracks without a label are not scored, which a warning says.
    labels : array-like of shape (n_tracks,)
        Cluster of each track: text or whole numbers. A track in no cluster (``None``, NaN, ``""``) is a cluster of its
        own, as nothing says that it is anybody else.
    pairs : TrackPairs, optional
        The pairs of tracks known to be two people, to count how many share a cluster.

    Returns
    -------
    rows : list of EvaluationRow
        As from `evaluate`; constraints changed nothing, so both counts of violated pairs are the same.

    Raises
    ------
    InputError
        If no track has a label, or there is not one cluster per track.
    """
    tracks.label_codes()
    names = as_names(labels, "a cluster")
    if len(names) != tracks.n_tracks:
        raise InputError(f"labels must hold a cluster for each of the {tracks.n_tracks} tracks, got {len(names)}")
    clusters = number_missing(categories(names).codes)
    _say_unlabelled(tracks, "not scored")

    def as_they_are(members: Integers, within: TrackPairs) -> tuple[Labels, Violations]:
        violated = count_violated(clusters[members], within.cannot_link)
        return clusters[members], Violations(len(within.cannot_link), violated, violated)

    return _score_groups(tracks, pairs or TrackPairs(), as_they_are)


def score_clusterer(
    tracks: TrackSet, embeddings: ArrayLike, clusterer: Clusterer, *, series: bool = False
) -> list[EvaluationRow]:
    """Cluster each video, and videos together, in any way, and compare with the labels.

    Tracks without a label are left out, which a warning says.

    Parameters
    ----------
    tracks, embeddings
        As for `evaluate`.
    clusterer : callable
        Takes points and their number of identities, and returns a cluster per point, numbered from 0.
    series : bool, default=False
        Cluster the videos of each series together too, where there are two series or more.

    Returns
    -------
    rows : list of EvaluationRow
        One per video in order of first appearance, then one per series if asked, then ``"all"`` if there are two
        videos or more.

    Raises
    ------
    InputError
        As for `evaluate`.
    """
    points = points_of(tracks, embeddings)[tracks.is_labelled]
    _say_unlabelled(tracks, "left out")
    tracks = tracks.labelled()
    codes, _ = tracks.label_codes()
    rows = []
    for name, members in groups_of_videos(tracks, series=series):
        n_identities = len(np.unique(codes[members]))
        try:
            labels = clusterer(points[members], n_identities)
        except InputError as error:
            raise InputError(f"{error} (clustering {name})") from None
        rows.append(_score(name, codes[members], labels))
    return rows


def _score_groups(
    tracks: TrackSet, pairs: TrackPairs, clusters_of: Callable[[Integers, TrackPairs], tuple[Labels, Violations]]
) -> list[EvaluationRow]:
    """Score each video that has labels, and all together, by the clusters of its tracks and the pairs among them."""
    codes, _ = tracks.label_codes()
    rows = []
    for name, members in groups_of_videos(tracks, series=False):
        if np.all(codes[members] < 0):
            continue
        labels, violations = clusters_of(members, pairs.among(members, tracks.n_tracks))
        row = _score(name, codes[members], labels)
        rows.append(
            row._replace(
                n_cannot_link=violations.n_cannot_link,
                violated_without=violations.without,
                violated=violations.constrained,
            )
        )
    return rows


def _say_unlabelled(tracks: TrackSet, what_happens: str) -> None:
    n_bare = tracks.n_tracks - int(tracks.is_labelled.sum())
    if n_bare:
        have = "has no label and is" if n_bare == 1 else "have no label and are"
        warnings.warn(f"{n_bare:,} of {counted(tracks.n_tracks, 'track')} {have} {what_happens}", stacklevel=3)


def _score(video: str, codes: Labels, labels: Labels) -> EvaluationRow:
    codes, labels = codes[codes >= 0], labels[codes >= 0]
    return EvaluationRow(
        video,
        n_tracks=len(codes),
        n_identities=len(np.unique(codes)),
        n_clusters=len(np.unique(labels)),
        nmi=normalized_mutual_information(codes, labels),
        wcp=weighted_clustering_purity(codes, labels),
        b_cubed_f=float(b_cubed(codes, labels).f_score),
    )
