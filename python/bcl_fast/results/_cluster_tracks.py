"""Clusters of tracks: together or video by video, with what is known about pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.cluster._cut import check_threshold
from bcl_fast.cluster._limits import resolve_limits
from bcl_fast.cluster._merge import LinkageName, check_linkage
from bcl_fast.errors import InputError
from bcl_fast.results._constrained import Violations, cluster_with_pairs
from bcl_fast.results._edits import name_people
from bcl_fast.results._no_faces import with_tracks_aside
from bcl_fast.results._points import points_of
from bcl_fast.results._result import ClusteringResult, describe_clusters, fingerprints
from bcl_fast.tracks import Edits, TrackPairs
from bcl_fast.tracks._names import track_name

if TYPE_CHECKING:
    from bcl_fast.cluster._progress import OnProgress
    from bcl_fast.distributed._engine import Engine
    from bcl_fast.tracks import TrackSet


def cluster_tracks(
    tracks: TrackSet,
    embeddings: ArrayLike,
    distance_threshold: float,
    *,
    linkage: LinkageName = "complete",
    neighbor_threshold: float | None = None,
    per_video: bool = False,
    min_clusters: int | None = None,
    max_clusters: int | None = None,
    min_cluster_size: int = 1,
    pairs: TrackPairs | None = None,
    edits: Edits | None = None,
    progress: OnProgress | None = None,
    device: str = "cpu",
    engine: Engine = "local",
) -> ClusteringResult:
    """Cluster tracks by complete or average linkage.

    Parameters
    ----------
    tracks : TrackSet
        Labels are not looked at.
    embeddings : array-like of shape (n_tracks, n_dimensions)
        A point per track, such as ``model.embed_tracks(tracks)``.
    distance_threshold : float
        Squared distance at which merging stops, such as ``model.distance_threshold``.
    linkage : {"complete", "average"}, default "complete"
        What the threshold is for: the largest distance between two clusters' points, or the mean of all.
    neighbor_threshold : float, optional
        Tracks are averaged with their nearest neighbours within this squared distance first, such as
        ``model.neighbor_threshold``; see `bcl_fast.cluster.average_neighbors`. For embeddings of unit norm.
    per_video : bool, default False
        Cluster each video on its own: no cluster spans two videos, and no number stands for two clusters.
    min_clusters, max_clusters, min_cluster_size : int, optional
        As in `complete_linkage`: limits on the number of clusters, of each video if those are apart, and the least
        number of tracks of one. Tracks of smaller clusters have the cluster -1.
    pairs : TrackPairs, optional
        Tracks that must, and that must not, share a cluster. The result then tells how many of the latter do, with
        these constraints and without.
    edits : Edits, optional
        Decisions by hand: people stay together, and apart, and have their names; what is no face is in no cluster.
    progress : callable, optional
        As in `complete_linkage`; it is told of each clustering anew: of each video, without constraints and with them.
    device : str, default "cpu"
        As in `complete_linkage`.
    engine : {"local", "ray"} or RayEngine, default "local"
        As in `complete_linkage`.

    Raises
    ------
    InputError
        If the threshold is NaN or negative, the linkage another, or each video is clustered on its own and a must-link
        pair spans two.
    """
    check_threshold(distance_threshold)
    check_linkage(linkage)
    points, known = points_of(tracks, embeddings), pairs or TrackPairs()
    if edits is not None:
        return _cluster_with_edits(
            tracks,
            points,
            edits,
            known,
            partial(
                cluster_tracks,
                distance_threshold=distance_threshold,
                linkage=linkage,
                neighbor_threshold=neighbor_threshold,
                per_video=per_video,
                min_clusters=min_clusters,
                max_clusters=max_clusters,
                min_cluster_size=min_cluster_size,
                progress=progress,
                device=device,
                engine=engine,
            ),
        )
    limits = resolve_limits(min_clusters, max_clusters, min_cluster_size)
    link = partial(
        cluster_with_pairs,
        distance_threshold=distance_threshold,
        linkage=linkage,
        neighbor_threshold=neighbor_threshold,
        limits=limits,
        progress=progress,
        device=device,
        engine=engine,
    )
    labels, violations = _cluster_videos(tracks, points, known, link) if per_video else link(points, pairs=known)
    described = describe_clusters(tracks, points, labels)
    return replace(
        described,
        violations=None if pairs is None else violations,
        fingerprints=fingerprints(points),
        linkage=linkage,
        distance_threshold=float(distance_threshold),
    )


def _cluster_with_edits(
    tracks: TrackSet,
    points: NDArray[Any],
    edits: Edits,
    pairs: TrackPairs,
    clustered: Callable[..., ClusteringResult],
) -> ClusteringResult:
    """Cluster the tracks that are faces by what is known about pairs, by hand or not, and name the people."""
    is_no_face = edits.are_no_faces(tracks)
    faces, known = np.flatnonzero(~is_no_face), pairs.joined(edits.pairs(tracks), tracks.n_tracks)
    result = clustered(tracks.select(faces), points[faces], pairs=known.among(faces, tracks.n_tracks))
    return name_people(with_tracks_aside(result, tracks, points, is_no_face), edits)


def _cluster_videos(
    tracks: TrackSet,
    points: NDArray[Any],
    pairs: TrackPairs,
    link: Callable[..., tuple[Integers, Violations]],
) -> tuple[NDArray[np.int64], Violations]:
    """Cluster each video on its own, with numbers that no other video has."""
    _check_within_videos(tracks, pairs)
    labels, n_clusters, found = np.empty(tracks.n_tracks, np.int64), 0, []
    for members in tracks.tracks_of_videos().values():
        clusters, violations = link(points[members], pairs=pairs.among(members, tracks.n_tracks))
        labels[members] = np.where(clusters < 0, -1, clusters + n_clusters)
        n_clusters += int(clusters.max()) + 1
        found.append(violations)
    return labels, Violations(*(sum(counts) for counts in zip(*found, strict=True)))


def _check_within_videos(tracks: TrackSet, pairs: TrackPairs) -> None:
    videos = tracks.video_ids[pairs.must_link]
    across = pairs.must_link[videos[:, 0] != videos[:, 1]]
    if len(across):
        names = [track_name(tracks.track_ids[track], tracks.video_ids[track]) for track in across[0]]
        raise InputError(f"each video is clustered on its own, but {names[0]} and {names[1]} must share a cluster")
