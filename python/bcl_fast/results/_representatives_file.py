"""The table of the tracks and faces that show best who the clusters are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcl_fast._utils.csv import write_csv
from bcl_fast._utils.files import atomic_output, check_output
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.results._representatives import central_face, representative_tracks, tracks_of_rows
from bcl_fast.results._result import ClusteringResult

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet

COLUMNS = ("cluster_id", "name", "rank", "track_id", "video_id", "distance_to_centroid", "face", "frame", "image")


def check_representatives_output(path: PathLike, *, force: bool = False) -> None:
    """Check that representatives can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the name does not end in .csv, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if Path(path).suffix.lower() != ".csv":
        raise InputError(f"representatives are written as .csv, got the name {path}")
    check_output(path, force=force)


def write_representatives(
    result: ClusteringResult, tracks: TrackSet, path: PathLike, *, per_cluster: int = 3, force: bool = False
) -> None:
    """Write the most central tracks of each cluster, and a face of each, as CSV.

    The columns are ``cluster_id, name, rank, track_id, video_id, distance_to_centroid`` and ``face, frame, image``: the
    place of the face in its track, from 0, its frame and its picture, each empty where it is not known.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet
        Those of the result; a track that is missing is written without a face.
    path : path-like
    per_cluster : int, default 3
        Most tracks of a cluster.
    force : bool, default False
        Replace a file that is there.

    Raises
    ------
    InputError
        As `check_representatives_output` and `representative_tracks`.
    """
    check_representatives_output(path, force=force)
    rows = representative_tracks(result, per_cluster)
    chosen = tracks_of_rows(result, tracks)[rows]
    with atomic_output(path, force=force) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, COLUMNS, _described(result, tracks, zip(rows.tolist(), chosen.tolist(), strict=True)))


def _described(
    result: ClusteringResult, tracks: TrackSet, chosen: Iterable[tuple[int, int]]
) -> Iterator[tuple[Any, ...]]:
    """Cells of each row of a result and its track (-1: not known)."""
    rank, last = 0, None
    for row, track in chosen:
        cluster = int(result.cluster_ids[row])
        rank = rank + 1 if cluster == last else 1
        last = cluster
        distance = round(float(result.distances_to_centroid[row]), 6)
        name = "" if result.names is None else result.names[row]
        names = result.track_ids[row], result.video_ids[row]
        yield cluster, name, rank, *names, distance, *_describe_face(tracks, track)


def _describe_face(tracks: TrackSet, track: int) -> tuple[Any, Any, Any]:
    if track < 0:
        return "", "", ""
    face = central_face(tracks, track)
    frame = "" if tracks.frames is None else int(tracks.frames[face])
    return face - int(tracks.offsets[track]), frame, "" if tracks.images is None else tracks.images[face]
