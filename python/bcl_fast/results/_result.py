"""Clustering results: which track is in which cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.checks import SMALLEST_NORM
from bcl_fast._utils.types import Names
from bcl_fast.results._constrained import Violations
from bcl_fast.results._points import points_of

if TYPE_CHECKING:
    from bcl_fast.cluster._merge import LinkageName
    from bcl_fast.tracks import TrackSet

COLUMNS = ("track_id", "video_id", "cluster_id", "distance_to_centroid", "cluster_size")
NAME, FINGERPRINT, EMBEDDING = "name", "fingerprint", "embedding"
LINKAGE, DISTANCE_THRESHOLD = "linkage", "distance_threshold"
NOT_A_FACE = "not_a_face"


@dataclass(frozen=True, eq=False)
class ClusteringResult:
    """One row per track, in the order of the tracks.

    Attributes
    ----------
    track_ids, video_ids : ndarray of shape (n_tracks,), object: str
        Unique as pairs.
    cluster_ids : ndarray of shape (n_tracks,), int64
        From 0, by first appearance; equal means the same person. -1: in no cluster, for a least size was asked for.
    distances_to_centroid : ndarray of shape (n_tracks,), float32
        Euclidean distance (not squared) from the track's embedding to its cluster's centroid: on the unit sphere where
        the embeddings are, else their mean. NaN in no cluster.
    cluster_sizes : ndarray of shape (n_tracks,), int64
        Number of tracks in the track's cluster; 0 in no cluster.
    names : ndarray of shape (n_tracks,), object: str, or None
        Name that a user gave to the track's cluster; ``""`` for a cluster without one.
    embeddings : ndarray of shape (n_tracks, n_dimensions), float32, or None
        The points that were clustered; Parquet files keep them, so that tracks can be added later.
    embedded_by : str or None
        What made the embeddings: the fingerprint of a model, or ``"features"``. Kept with them.
    violations : Violations or None
        How many pairs of tracks known to be two people share a cluster; None where no pairs were looked for, and in
        results that were read from a file.
    fingerprints : ndarray of shape (n_tracks,), float64, or None
        A number by which a track's embedding is known again; CSV files keep it in place of the embedding.
    linkage : {"complete", "average"} or None
        What the clusters were made by, and where an update goes on; None in files that do not say it.
    distance_threshold : float or None
        Squared distance up to which they were merged.
    not_a_face : ndarray of shape (n_tracks,), bool, or None
        Which tracks a user has marked as none: they are in no cluster, and updates leave them so. None where none is.
    """

    track_ids: Names
    video_ids: Names
    cluster_ids: NDArray[np.int64]
    distances_to_centroid: NDArray[np.float32]
    cluster_sizes: NDArray[np.int64]
    names: Names | None = None
    embeddings: NDArray[np.float32] | None = None
    embedded_by: str | None = None
    violations: Violations | None = None
    fingerprints: NDArray[np.float64] | None = None
    linkage: LinkageName | None = None
    distance_threshold: float | None = None
    not_a_face: NDArray[np.bool_] | None = None

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.track_ids)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(np.unique(self.cluster_ids[self.cluster_ids >= 0]))

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the files but for the embeddings, by name."""
        values = (
            self.track_ids,
            self.video_ids,
            self.cluster_ids,
            self.distances_to_centroid,
            self.cluster_sizes,
        )
        columns: dict[str, NDArray[Any]] = dict(zip(COLUMNS, values, strict=True))
        if self.names is not None:
            columns[NAME] = self.names
        if self.not_a_face is not None:
            columns[NOT_A_FACE] = self.not_a_face
        return columns


def describe_clusters(tracks: TrackSet, embeddings: ArrayLike, cluster_ids: ArrayLike) -> ClusteringResult:
    """Add to cluster numbers what users sort by: size, and distance to the centroid.

    Parameters
    ----------
    tracks : TrackSet
    embeddings : array-like of shape (n_tracks, n_dimensions)
        On the unit sphere or anywhere: centroids are scaled to unit norm if all rows have it.
    cluster_ids : array-like of shape (n_tracks,), int
        From 0, and -1 for a track in no cluster.
    """
    points, clusters = points_of(tracks, embeddings), np.asarray(cluster_ids, np.int64)
    return describe_rows(tracks.track_ids, tracks.video_ids, points, clusters)


def describe_rows(
    track_ids: Names,
    video_ids: Names,
    embeddings: NDArray[Any],
    cluster_ids: NDArray[np.int64],
) -> ClusteringResult:
    """`describe_clusters` of tracks that are known by their names alone."""
    from scipy.sparse import csr_array

    points = embeddings.astype(np.float64)
    rows = np.flatnonzero(cluster_ids >= 0)
    _, clusters, sizes = np.unique(cluster_ids[rows], return_inverse=True, return_counts=True)
    sums = csr_array((np.ones(len(rows)), (clusters, rows)), (len(sizes), len(points))) @ points
    on_sphere = np.allclose(np.linalg.norm(points, axis=1), 1, atol=1e-3)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True) if on_sphere else sizes[:, None]
    centroids = sums / np.maximum(lengths, SMALLEST_NORM)
    distances, cluster_sizes = np.full(len(points), np.nan, np.float32), np.zeros(len(points), np.int64)
    distances[rows] = np.linalg.norm(points[rows] - centroids[clusters], axis=1)
    cluster_sizes[rows] = sizes[clusters]
    return ClusteringResult(
        track_ids,
        video_ids,
        cluster_ids,
        distances,
        cluster_sizes,
        embeddings=embeddings.astype(np.float32, copy=False),
    )


def fingerprints(embeddings: NDArray[Any]) -> NDArray[np.float64]:
    """Return a number per row that another row hardly has: its product with a vector of cosines, of length sqrt(n)."""
    places = np.arange(1, embeddings.shape[1] + 1, dtype=np.float64)
    return np.asarray(embeddings.astype(np.float64) @ (np.sqrt(2) * np.cos(places**2)), dtype=np.float64)
