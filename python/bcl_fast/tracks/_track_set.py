"""TrackSet: the faces of ragged tracks in one matrix, with what is known about tracks and faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import categories
from bcl_fast._utils.types import Floats, Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks import _checks as checks
from bcl_fast.tracks._names import as_names


@dataclass(frozen=True, eq=False, repr=False)
class TrackSet:
    """Faces grouped into tracks; a track is known by its video and its name in that video.

    Build one with :meth:`from_arrays`, which checks everything; the bare constructor checks nothing.

    Attributes
    ----------
    features : ndarray of shape (n_faces, n_features), float32
        C-contiguous, finite; may be a read-only memory map.
    offsets : ndarray of shape (n_tracks + 1,), int64
        The faces of track ``t`` are the rows ``offsets[t]:offsets[t + 1]``, at least one.
    track_ids, video_ids : ndarray of shape (n_tracks,), object: str
        Unique as pairs.
    labels : ndarray of shape (n_tracks,), object: str, or None
        Names of the identities; ``""`` for a track without one. None if no track has one.
    frames : ndarray of shape (n_faces,), int64, or None
        Frame number of each face in its video.
    boxes : ndarray of shape (n_faces, 4), float32, or None
        x, y, width, height of each face in pixels.
    images : ndarray of shape (n_faces,), object: str, or None
        Each face's picture: its path, or the picture itself as a ``data:`` URI; ``""`` for a face without one.
    recognizer : str or None
        Fingerprint of the network that made the features; None where nobody said it.
    """

    features: Floats
    offsets: Integers
    track_ids: Names
    video_ids: Names
    labels: Names | None = None
    frames: Integers | None = None
    boxes: Floats | None = None
    images: Names | None = None
    recognizer: str | None = None

    @classmethod
    def from_arrays(
        cls,
        features: npt.ArrayLike,
        offsets: npt.ArrayLike | None = None,
        *,
        track_ids: npt.ArrayLike | None = None,
        video_ids: npt.ArrayLike = "video",
        labels: npt.ArrayLike | None = None,
        frames: npt.ArrayLike | None = None,
        boxes: npt.ArrayLike | None = None,
        images: npt.ArrayLike | None = None,
        recognizer: str | None = None,
    ) -> TrackSet:
        """Check arrays and make a TrackSet of them.

        Parameters
        ----------
        features : array_like of shape (n_faces, n_features)
            Any real type; float32 and C-contiguous is taken without a copy.
        offsets : array_like of shape (n_tracks + 1,), optional
            Where tracks begin; by default every row is a track of one face.
        track_ids : array_like of shape (n_tracks,), optional
            Text or whole numbers; ``"0"``, ``"1"``, ... by default.
        video_ids : str or array_like of shape (n_tracks,), default "video"
            One name for all tracks, or one per track.
        labels : array_like of shape (n_tracks,), optional
            Text or whole numbers, negative ones too; ``None``, NaN, ``pandas.NA`` and ``""`` stand for no label.
        frames, boxes, images : array_like of shape (n_faces,), (n_faces, 4), (n_faces,), optional
            As in the class.
        recognizer : str, optional
            As in the class.

        Raises
        ------
        InputError
            If shapes or types disagree, a track is empty, (video, track) repeats, or a feature is NaN or infinite (the
            message names the track and the face row).
        """
        matrix = checks.check_features(features)
        n_faces = len(matrix)
        ends = checks.check_offsets(np.arange(n_faces + 1) if offsets is None else offsets, n_faces)
        n_tracks = len(ends) - 1
        tracks = _names(np.arange(n_tracks) if track_ids is None else track_ids, "track_id", n_tracks, "track")
        videos = np.full(n_tracks, video_ids, dtype=object) if isinstance(video_ids, str) else video_ids
        videos = _names(videos, "video_id", n_tracks, "track")
        checks.check_ids(videos, tracks)
        names = None if labels is None else _names(labels, "label", n_tracks, "track")
        numbers = None if frames is None else checks.check_frames(frames, n_faces)
        checks.check_finite(matrix, ends, tracks, videos, numbers)
        return cls(
            matrix,
            ends,
            tracks,
            videos,
            labels=None if names is None or np.all(names == "") else names,
            frames=numbers,
            boxes=None if boxes is None else checks.check_boxes(boxes, n_faces),
            images=None if images is None else _names(images, "image", n_faces, "face"),
            recognizer=recognizer,
        )

    def __repr__(self) -> str:
        people = "no labels" if self.labels is None else f"{len(self.label_codes()[1])} identities"
        sizes = f"{self.n_tracks} tracks, {self.n_faces} faces, {self.n_features} features"
        return f"TrackSet({sizes}, {len(self.videos)} videos, {people})"

    def __len__(self) -> int:
        return self.n_tracks

    @property
    def n_tracks(self) -> int:
        """Number of tracks."""
        return len(self.offsets) - 1

    @property
    def n_faces(self) -> int:
        """Number of faces of all tracks."""
        return len(self.features)

    @property
    def n_features(self) -> int:
        """Length of a face's feature vector."""
        return int(self.features.shape[1])

    @property
    def videos(self) -> list[str]:
        """Names of the videos, in order of first appearance."""
        return [str(name) for name in categories(self.video_ids).names]

    def tracks_of_videos(self) -> dict[str, Integers]:
        """Tracks of each video, ascending, by its name, in order of first appearance."""
        codes, names = categories(self.video_ids)
        members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
        return {str(name): tracks for name, tracks in zip(names, members, strict=True)}

    def mean_features(self) -> Floats:
        """Average the features of each track: (n_tracks, n_features) float32.

        A sparse (n_tracks, n_faces) matrix of weights times the features: one pass over the faces, in memory order.
        """
        if self.n_faces == self.n_tracks:
            return np.array(self.features)
        from scipy.sparse import csr_array

        counts = np.diff(self.offsets)
        weights = np.repeat(np.float32(1) / counts.astype(np.float32), counts)
        averaging = csr_array((weights, np.arange(self.n_faces), self.offsets), shape=(self.n_tracks, self.n_faces))
        return np.asarray(averaging @ self.features, dtype=np.float32)

    def sample_faces(self, rng: np.random.Generator, tracks: npt.ArrayLike | None = None) -> Floats:
        """Draw one face of each track, every face of the track equally likely.

        Parameters
        ----------
        rng : numpy.random.Generator
            One ``rng.random(len(tracks))`` is drawn from it.
        tracks : array_like of int, or mask of shape (n_tracks,), optional
            The tracks to draw from, repeats allowed; all by default.

        Returns
        -------
        ndarray of shape (len(tracks), n_features), float32
        """
        return np.take(self.features, self.sample_rows(rng, tracks), axis=0)

    def sample_rows(self, rng: np.random.Generator, tracks: npt.ArrayLike | None = None) -> Integers:
        """Draw as `sample_faces` does, and return where the faces lie among the features: (len(tracks),) int64."""
        starts, stops = self.offsets[:-1], self.offsets[1:]
        if tracks is not None:
            wanted = np.asarray(tracks)
            starts, stops = starts[wanted], stops[wanted]
        return np.asarray(starts + (rng.random(len(starts)) * (stops - starts)).astype(np.int64))

    def frame_spans(self) -> Integers | None:
        """First and last frame of each track, both inclusive: (n_tracks, 2) int64; None without frames."""
        if self.frames is None:
            return None
        if self.n_tracks == 0:
            return np.empty((0, 2), np.int64)
        first = np.minimum.reduceat(self.frames, self.offsets[:-1])
        last = np.maximum.reduceat(self.frames, self.offsets[:-1])
        return np.stack([first, last], axis=1)

    def select(self, tracks: npt.ArrayLike) -> TrackSet:
        """Keep some tracks, in the order asked for.

        Parameters
        ----------
        tracks : array_like of int without repeats, or bool mask of shape (n_tracks,)
            A run of adjacent tracks shares the memory of this set; anything else copies.

        Raises
        ------
        ValueError
            If the mask has another length, or a track is asked for twice.
        IndexError
            If there is no such track.
        """
        wanted = self._indices(tracks)
        counts = self.offsets[wanted + 1] - self.offsets[wanted]
        offsets = np.append(0, np.cumsum(counts)).astype(np.int64)
        faces: slice | Integers = np.repeat(self.offsets[wanted] - offsets[:-1], counts) + np.arange(offsets[-1])
        if len(wanted) and np.all(np.diff(wanted) == 1):
            faces = slice(int(self.offsets[wanted[0]]), int(self.offsets[wanted[-1] + 1]))
        return TrackSet(
            self.features[faces],
            offsets,
            self.track_ids[wanted],
            self.video_ids[wanted],
            labels=None if self.labels is None else self.labels[wanted],
            frames=None if self.frames is None else self.frames[faces],
            boxes=None if self.boxes is None else self.boxes[faces],
            images=None if self.images is None else self.images[faces],
            recognizer=self.recognizer,
        )

    def _indices(self, tracks: npt.ArrayLike) -> Integers:
        wanted = np.asarray(tracks)
        if wanted.dtype == bool:
            if wanted.shape != (self.n_tracks,):
                raise ValueError(f"a mask of tracks must have shape ({self.n_tracks},), got {wanted.shape}")
            return np.flatnonzero(wanted)
        if wanted.ndim != 1 or (len(wanted) and wanted.dtype.kind not in "iu"):
            raise ValueError(f"tracks must be 1-D whole numbers or a mask, got {wanted.dtype} of shape {wanted.shape}")
        indices = np.arange(self.n_tracks)[wanted.astype(np.int64)]
        if np.any(np.bincount(indices, minlength=1) > 1):
            raise ValueError(f"tracks must not repeat, got track {int(np.argmax(np.bincount(indices) > 1))} twice")
        return indices

    @property
    def is_labelled(self) -> npt.NDArray[np.bool_]:
        """Which tracks have a label: mask of shape (n_tracks,)."""
        return np.zeros(self.n_tracks, bool) if self.labels is None else np.asarray(self.labels != "", dtype=bool)

    def labelled(self) -> TrackSet:
        """Keep the tracks that have a label; this very set if all have."""
        is_labelled = self.is_labelled
        return self if is_labelled.all() else self.select(is_labelled)

    def label_codes(self) -> tuple[Integers, Names]:
        """Labels as whole numbers by first appearance: codes (n_tracks,) int64, and the names they index.

        A track without a label has the code -1.

        Raises
        ------
        InputError
            If the tracks have no labels.
        """
        if self.labels is None:
            raise InputError(f"the tracks must have labels, got {self.n_tracks} tracks without")
        codes, names = np.full(self.n_tracks, -1, np.int64), categories(self.labels[self.is_labelled])
        codes[self.is_labelled] = names.codes
        return codes, names.names


def _names(values: npt.ArrayLike, what: str, count: int, per: str) -> Names:
    names = as_names(values, what)
    if len(names) != count:
        raise InputError(f"{what} must have one value per {per} ({count}), got {len(names)}")
    return names
