"""Tracks that a user has marked as no faces: they are in the result, in no cluster, and nothing is merged with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.results._places import places_in
from bcl_fast.results._result import ClusteringResult, fingerprints
from bcl_fast.tracks._names import track_name

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet


def with_tracks_aside(
    result: ClusteringResult, tracks: TrackSet, embeddings: NDArray[Any], is_no_face: NDArray[np.bool_]
) -> ClusteringResult:
    """Add tracks that were not clustered to the result of the others, as no faces, in the order of the tracks.

    Parameters
    ----------
    result : ClusteringResult
        Of the tracks that are faces, in their order.
    tracks : TrackSet
        All of them.
    embeddings : ndarray of shape (n_tracks, n_dimensions)
    is_no_face : mask of shape (n_tracks,)
    """
    if not is_no_face.any():
        return result
    return _spread(result, np.flatnonzero(~is_no_face), tracks.track_ids, tracks.video_ids, embeddings)


def faces_of(
    result: ClusteringResult, tracks: TrackSet, is_no_face: NDArray[np.bool_]
) -> tuple[ClusteringResult, NDArray[np.bool_]]:
    """Return the rows of a result that are faces, and which of the tracks are, of which more are marked as none.

    Raises
    ------
    InputError
        If the result has no embeddings, and what is no face is not among the tracks.
    """
    marked = np.zeros(result.n_tracks, bool) if result.not_a_face is None else result.not_a_face
    known_at = places_in(result, tracks)
    absent = marked.copy()
    absent[known_at[known_at >= 0]] = False
    if result.embeddings is None and absent.any():
        row = int(absent.argmax())
        name = track_name(result.track_ids[row], result.video_ids[row])
        raise InputError(
            f"the result to add to has no embeddings, and {name}, which is no face, is not given: "
            "give the files of its tracks beside the new ones, or a result that was written as .parquet"
        )
    faces = ~is_no_face & ((known_at < 0) | ~marked[known_at])
    return _taken(result, np.flatnonzero(~marked)), faces


def with_rows_aside(
    part: ClusteringResult, old: ClusteringResult, tracks: TrackSet, points: NDArray[Any], is_face: NDArray[np.bool_]
) -> ClusteringResult:
    """Put rows of a result that are no faces back to their places, and new tracks that are none among the new ones.

    ``part`` is what the other rows, and new tracks after them, have become.
    """
    known_at = places_in(old, tracks)
    faces = np.arange(old.n_tracks) if old.not_a_face is None else np.flatnonzero(~old.not_a_face)
    new = np.flatnonzero(known_at < 0)
    if old.embeddings is None:
        before = np.empty((old.n_tracks, points.shape[1]), points.dtype)
        before[known_at[known_at >= 0]] = points[known_at >= 0]
    else:
        before = old.embeddings
    return _spread(
        part,
        np.append(faces, old.n_tracks + np.flatnonzero(is_face[new])),
        np.append(old.track_ids, tracks.track_ids[new]),
        np.append(old.video_ids, tracks.video_ids[new]),
        np.concatenate([before, points[new].astype(before.dtype, copy=False)]),
    )


def _spread(
    part: ClusteringResult, rows: Integers, track_ids: Names, video_ids: Names, embeddings: NDArray[Any]
) -> ClusteringResult:
    """Return a result of all tracks of which those at ``rows`` are as in ``part``, and the others no faces."""
    n_tracks = len(track_ids)

    def filled(values: NDArray[Any], other: Any) -> NDArray[Any]:
        column = np.full(n_tracks, other, dtype=values.dtype)
        column[rows] = values
        return column

    points = np.array(embeddings, np.float32)
    if part.embeddings is not None:
        points[rows] = part.embeddings
    is_no_face = np.ones(n_tracks, bool)
    is_no_face[rows] = False if part.not_a_face is None else part.not_a_face
    return replace(
        part,
        track_ids=track_ids,
        video_ids=video_ids,
        cluster_ids=filled(part.cluster_ids, -1),
        distances_to_centroid=filled(part.distances_to_centroid, np.nan),
        cluster_sizes=filled(part.cluster_sizes, 0),
        names=None if part.names is None else filled(part.names, ""),
        embeddings=points,
        fingerprints=fingerprints(points),
        not_a_face=is_no_face,
    )


def _taken(result: ClusteringResult, rows: Integers) -> ClusteringResult:
    """Return some rows of a result, without what is counted over all of them."""
    columns: dict[str, Any] = {
        name: None if getattr(result, name) is None else getattr(result, name)[rows]
        for name in (
            *("track_ids", "video_ids", "cluster_ids", "distances_to_centroid", "cluster_sizes"),
            *("names", "embeddings", "fingerprints", "not_a_face"),
        )
    }
    return replace(result, **columns, violations=None)
