"""The tracks and faces that show best who a cluster is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bcl_fast._utils.checks import whole_at_least
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._places import places_in
from bcl_fast.results._result import ClusteringResult

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet


def representative_tracks(result: ClusteringResult, per_cluster: int = 3) -> Integers:
    """Find the most central tracks of each cluster: those nearest to its centroid.

    Parameters
    ----------
    result : ClusteringResult
        Its ``distances_to_centroid`` decide, at equal ones the earlier track.
    per_cluster : int, default 3
        Most tracks of a cluster; a smaller cluster gives all of its tracks.

    Returns
    -------
    rows : ndarray of int64
        Rows of the result, cluster by cluster, the most central first. Tracks in no cluster are left out.

    Raises
    ------
    InputError
        If ``per_cluster`` is no whole number or less than 1.
    """
    per_cluster = whole_at_least("per_cluster", per_cluster, 1)
    order = np.lexsort((result.distances_to_centroid, result.cluster_ids))
    order = order[result.cluster_ids[order] >= 0]
    _, starts, sizes = np.unique(result.cluster_ids[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(starts, sizes)
    return order[ranks < per_cluster]


def representative_faces(result: ClusteringResult, tracks: TrackSet, per_cluster: int = 3) -> Integers:
    """Find a face of each of the most central tracks of each cluster: the one nearest to the mean of its track.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet
        With all tracks that are chosen; their order does not matter, and others may be among them.
    per_cluster : int, default 3
        As for `representative_tracks`.

    Returns
    -------
    faces : ndarray of int64
        For each row that `representative_tracks` returns a row of ``tracks.features``, ``frames``, ``images``.

    Raises
    ------
    InputError
        As `representative_tracks`; or if a track is not among those given.
    """
    rows = representative_tracks(result, per_cluster)
    chosen = tracks_of_rows(result, tracks)[rows]
    missing = rows[chosen < 0]
    if len(missing):
        name, video = result.track_ids[missing[0]], result.video_ids[missing[0]]
        raise InputError(f"the tracks must hold all that the result has, got none named {name} in the video {video}")
    return np.array([central_face(tracks, track) for track in chosen.tolist()], np.int64)


def tracks_of_rows(result: ClusteringResult, tracks: TrackSet) -> Integers:
    """Return the track of each row, -1 for a row whose track is not there."""
    places = places_in(result, tracks)
    track_of_row = np.full(result.n_tracks, -1)
    track_of_row[places[places >= 0]] = np.flatnonzero(places >= 0)
    return track_of_row


def central_face(tracks: TrackSet, track: int) -> int:
    """Return the face of a track that is nearest to the mean of its features, as a row of all faces.

    Of several with the same features, one that has a picture.
    """
    start, stop = tracks.offsets[track : track + 2].tolist()
    faces = tracks.features[start:stop].astype(np.float64)
    distances = np.square(faces - faces.mean(axis=0)).sum(axis=1)
    central = int(distances.argmin())
    if tracks.images is not None and not tracks.images[start + central]:
        alike = (tracks.features[start:stop] == tracks.features[start + central]).all(axis=1)
        pictured = np.flatnonzero(alike & (tracks.images[start:stop] != ""))
        central = int(pictured[0]) if len(pictured) else central
    return start + central
