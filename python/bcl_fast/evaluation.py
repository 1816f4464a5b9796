"""Scores of a clustering per video and over all videos together, as in the paper's Table 5."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast.errors import InputError
from bcl_fast.hierarchy import complete_linkage, cut_merges
from bcl_fast.metrics import b_cubed, normalized_mutual_information, weighted_clustering_purity
from bcl_fast.track_checks import track_name
from bcl_fast.tracks import TrackSet

COMBINED = "all"
MOST_FULL_TRACKS = 20_000  # a whole dendrogram needs every pair of tracks: 2 * 10^8 of them


class EvaluationRow(NamedTuple):
    """Scores of one video, or of all videos clustered together (``video == "all"``).

    ``nmi`` is the normalised mutual information, ``wcp`` the weighted clustering purity, ``b_cubed_f`` the B-cubed
    F-score.
    """

    video: str
    n_tracks: int
    n_identities: int
    n_clusters: int
    nmi: float
    wcp: float
    b_cubed_f: float


def evaluate(
    tracks: TrackSet,
    embeddings: ArrayLike,
    *,
    distance_threshold: float | None = None,
    n_clusters: str | int | None = None,
) -> list[EvaluationRow]:
    """Cluster each video by complete linkage, and all videos together, and compare with the labels.

    Parameters
    ----------
    tracks : TrackSet
        Labelled tracks. Over all videos together, identities of the same name are the same person, as in the paper.
    embeddings : array-like of shape (n_tracks, n_dimensions)
        A point per track, such as ``model.embed_tracks(tracks)`` or `raw_embeddings`.
    distance_threshold : float, optional
        Squared distance at which merging stops, such as ``model.distance_threshold``.
    n_clusters : {"true"} or int, optional
        In place of a threshold: the number of clusters, ``"true"`` for the number of identities.

    Returns
    -------
    rows : list of EvaluationRow
        One per video in order of first appearance, then ``"all"`` if there are two videos or more.

    Raises
    ------
    InputError
        If labels are missing, the embeddings are not one finite point per track, not exactly one of the two criteria is
        given, it is out of range, or a number of clusters is asked of more than 20,000 tracks at once.
    """
    codes, _ = tracks.label_codes()
    points = _check_points(tracks, np.asarray(embeddings))
    if (distance_threshold is None) == (n_clusters is None):
        raise InputError("evaluation wants either a distance_threshold or n_clusters")
    rows = []
    for video in tracks.videos:
        members = np.flatnonzero(tracks.video_ids == video)
        rows.append(_evaluate_one(video, codes[members], points[members], distance_threshold, n_clusters))
    if len(rows) > 1:
        rows.append(_evaluate_one(COMBINED, codes, points, distance_threshold, n_clusters))
    return rows


def _check_points(tracks: TrackSet, points: NDArray[Any]) -> NDArray[Any]:
    if points.ndim != 2 or len(points) != tracks.n_tracks:
        wanted = f"one point for each of the {tracks.n_tracks} tracks"
        raise InputError(f"embeddings must be {wanted}, got shape {points.shape}")
    for row in np.flatnonzero(~np.isfinite(points).all(axis=1))[:1]:
        name = track_name(tracks.track_ids[row], tracks.video_ids[row])
        raise InputError(f"embeddings must be finite, got a value that is not for {name}")
    return points


def _evaluate_one(
    video: str,
    codes: NDArray[np.int64],
    points: NDArray[Any],
    distance_threshold: float | None,
    n_clusters: str | int | None,
) -> EvaluationRow:
    n_identities = len(np.unique(codes))
    if distance_threshold is not None:
        labels = complete_linkage(points, distance_threshold).labels
    else:
        labels = _cluster_to(points, n_identities if n_clusters == "true" else n_clusters, video)
    return EvaluationRow(
        video,
        n_tracks=len(codes),
        n_identities=n_identities,
        n_clusters=int(labels.max()) + 1,
        nmi=normalized_mutual_information(codes, labels),
        wcp=weighted_clustering_purity(codes, labels),
        b_cubed_f=float(b_cubed(codes, labels).f_score),
    )


def _cluster_to(points: NDArray[Any], n_clusters: str | int | None, video: str) -> NDArray[np.int64]:
    """Complete linkage cut at a number of clusters."""
    if not isinstance(n_clusters, int) or not 1 <= n_clusters <= len(points):
        raise InputError(
            f"n_clusters must be 'true' or in 1..{len(points)} (the tracks of {video}), got {n_clusters!r}"
        )
    if len(points) > MOST_FULL_TRACKS:
        raise InputError(
            f"a given number of clusters needs the distances of all pairs, for at most {MOST_FULL_TRACKS} tracks, "
            f"got {len(points)} in {video}: use a distance threshold"
        )
    return cut_merges(complete_linkage(points, math.inf).merges, len(points), n_clusters)


def raw_embeddings(tracks: TrackSet) -> NDArray[np.float32]:
    """Mean features of each track scaled to unit norm: what there is to cluster without a trained head.

    Returns
    -------
    embeddings : ndarray of shape (n_tracks, n_features), float32

    Raises
    ------
    InputError
        If the mean features of a track are zero, which have no direction.
    """
    means = tracks.mean_features()
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    for track in np.flatnonzero(norms == 0)[:1]:
        name = track_name(tracks.track_ids[track], tracks.video_ids[track])
        raise InputError(f"mean features must have a direction, got the zero vector for {name}")
    return means / norms
