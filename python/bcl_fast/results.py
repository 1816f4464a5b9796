"""Clustering results: which track is in which cluster, and the files that say so.

A result is Parquet or CSV by its suffix, a row per track: ``track_id, video_id, cluster_id, distance_to_centroid,
cluster_size``. ``-`` is CSV on standard output.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast.errors import InputError
from bcl_fast.files import atomic_output, check_output

if TYPE_CHECKING:
    from bcl_fast.progress import OnProgress
    from bcl_fast.tracks import TrackSet

COLUMNS = ("track_id", "video_id", "cluster_id", "distance_to_centroid", "cluster_size")
SMALLEST_NORM = 1e-12
_KINDS: dict[str, tuple[Any, str]] = {
    "track_id": (np.str_, "text"),
    "video_id": (np.str_, "text"),
    "cluster_id": (np.int64, "whole numbers"),
    "distance_to_centroid": (np.float32, "numbers"),
    "cluster_size": (np.int64, "whole numbers"),
}

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class ClusteringResult:
    """One row per track, in the order of the tracks.

    Attributes
    ----------
    track_ids, video_ids : ndarray of shape (n_tracks,), str
        Unique as pairs.
    cluster_ids : ndarray of shape (n_tracks,), int64
        From 0, by first appearance; equal means the same person.
    distances_to_centroid : ndarray of shape (n_tracks,), float32
        Euclidean distance (not squared) from the track's embedding to its cluster's centroid: on the unit sphere where
        the embeddings are, else their mean.
    cluster_sizes : ndarray of shape (n_tracks,), int64
        Number of tracks in the track's cluster.
    """

    track_ids: NDArray[np.str_]
    video_ids: NDArray[np.str_]
    cluster_ids: NDArray[np.int64]
    distances_to_centroid: NDArray[np.float32]
    cluster_sizes: NDArray[np.int64]

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.track_ids)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.cluster_ids))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the files, by name."""
        values = (
            self.track_ids,
            self.video_ids,
            self.cluster_ids,
            self.distances_to_centroid,
            self.cluster_sizes,
        )
        return dict(zip(COLUMNS, values, strict=True))


def cluster_tracks(
    tracks: TrackSet,
    embeddings: ArrayLike,
    distance_threshold: float,
    *,
    per_video: bool = False,
    progress: OnProgress | None = None,
) -> ClusteringResult:
    """Cluster tracks by complete linkage.

    Parameters
    ----------
    tracks : TrackSet
        Labels are not looked at.
    embeddings : array-like of shape (n_tracks, n_dimensions)
        A point per track, such as ``model.embed_tracks(tracks)``.
    distance_threshold : float
        Squared distance at which merging stops, such as ``model.distance_threshold``.
    per_video : bool, default False
        Cluster each video on its own: no cluster spans two videos, and no number stands for two clusters.
    progress : callable, optional
        As in `complete_linkage`; with ``per_video`` it is told of each video anew.

    Raises
    ------
    InputError
        If the threshold is NaN or negative.
    """
    from bcl_fast.hierarchy import complete_linkage

    check_distance_threshold(distance_threshold)
    points = np.asarray(embeddings)
    if not per_video:
        return describe_clusters(tracks, points, complete_linkage(points, distance_threshold, progress=progress).labels)
    cluster_ids = np.empty(tracks.n_tracks, np.int64)
    n_clusters = 0
    for video in tracks.videos:
        members = tracks.video_ids == video
        clusters = complete_linkage(points[members], distance_threshold, progress=progress)
        cluster_ids[members] = clusters.labels + n_clusters
        n_clusters += clusters.n_clusters
    return describe_clusters(tracks, points, cluster_ids)


def check_distance_threshold(distance_threshold: float) -> None:
    """Raise an InputError for a threshold that is NaN or negative."""
    if not distance_threshold >= 0:
        raise InputError(f"the distance threshold must be 0 or more, got {distance_threshold}")


def describe_clusters(tracks: TrackSet, embeddings: ArrayLike, cluster_ids: ArrayLike) -> ClusteringResult:
    """Add to cluster numbers what users sort by: size, and distance to the centroid.

    Parameters
    ----------
    tracks : TrackSet
    embeddings : array-like of shape (n_tracks, n_dimensions)
        On the unit sphere or anywhere: centroids are scaled to unit norm if all rows have it.
    cluster_ids : array-like of shape (n_tracks,), int
        From 0.
    """
    from scipy.sparse import csr_array

    points = np.asarray(embeddings, dtype=np.float64)
    clusters = np.asarray(cluster_ids, dtype=np.int64)
    sizes = np.bincount(clusters)
    sums = csr_array((np.ones(len(clusters)), (clusters, np.arange(len(clusters))))) @ points
    on_sphere = np.allclose(np.linalg.norm(points, axis=1), 1, atol=1e-3)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) if on_sphere else sizes[:, None]
    centroids = sums / np.maximum(lengths, SMALLEST_NORM)
    distances = np.linalg.norm(points - centroids[clusters], axis=1).astype(np.float32)
    return ClusteringResult(tracks.track_ids, tracks.video_ids, clusters, distances, sizes[clusters].astype(np.int64))


def check_result_output(path: PathLike, *, force: bool = False) -> None:
    """Check that a result can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the suffix is neither .parquet nor .csv, or `bcl_fast.files.check_output` objects.
    """
    if str(path) == "-":
        return
    _check_suffix(Path(path))
    check_output(path, force=force)


def write_result(result: ClusteringResult, path: PathLike, *, force: bool = False) -> None:
    """Write a result to ``.parquet`` or ``.csv``, or as CSV to standard output for ``-``.

    Distances have six decimals in CSV.

    Raises
    ------
    InputError
        If the suffix is not known, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if str(path) == "-":
        return _write_csv(result, sys.stdout)
    suffix = _check_suffix(Path(path))
    with atomic_output(path, force=force) as temporary:
        if suffix == ".parquet":
            _write_parquet(result, temporary)
        else:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                _write_csv(result, file)


def _check_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        raise InputError(f"a clustering result must end in .parquet or .csv, or be '-' (CSV), got {str(path)!r}")
    return suffix


def _write_csv(result: ClusteringResult, file: IO[str]) -> None:
    columns = result.columns()
    columns["distance_to_centroid"] = np.round(result.distances_to_centroid.astype(np.float64), 6)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def _write_parquet(result: ClusteringResult, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(column) for name, column in result.columns().items()})
    pq.write_table(table, path)


def read_result(path: PathLike) -> ClusteringResult:
    """Read a result that `write_result` wrote, or any table with its columns.

    Raises
    ------
    InputError
        If the file is missing, broken or of another kind, or a column is missing or holds what it should not.
    """
    file = Path(path)
    suffix = _check_suffix(file)
    if not file.is_file():
        raise InputError(f"the clustering result {file} does not exist or is not a file")
    columns = _read_parquet(file) if suffix == ".parquet" else _read_csv(file)
    return ClusteringResult(*(_as_column(columns[name], name, file) for name in COLUMNS))


def _as_column(values: list[Any], name: str, file: Path) -> NDArray[Any]:
    dtype, wanted = _KINDS[name]
    try:
        if None in values:
            raise ValueError("a value is missing")
        if dtype is np.int64:  # int() of a number would round it
            values = [int(str(value)) for value in values]
        return np.array([str(value) for value in values] if dtype is np.str_ else values, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"column {name!r} of {file} must be {wanted} in every row ({error})") from None


def _read_parquet(file: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            _check_columns(opened.schema_arrow.names, file)
            return dict(opened.read(columns=list(COLUMNS)).to_pydict())
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise InputError(f"{file} must be a whole Parquet file ({reason})") from None


def _read_csv(file: Path) -> dict[str, list[Any]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            header = next(rows, [])
            _check_columns(header, file)
            columns: list[list[Any]] = [list(column) for column in zip(*_whole_rows(rows, header, file), strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} must be CSV in UTF-8 ({error})") from None
    return dict(zip(header, columns or [[] for _ in header], strict=True))


def _whole_rows(rows: Iterator[list[str]], header: list[str], file: Path) -> Iterator[list[str]]:
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(f"{file} must have {len(header)} columns in every line, got {len(row)} in line {number}")
        yield row


def _check_columns(found: list[str], file: Path) -> None:
    missing = [name for name in COLUMNS if name not in found]
    if missing:
        raise InputError(f"{file} must have the columns {', '.join(COLUMNS)}, got none named {', '.join(missing)}")
