"""Labelled tracks made ready for training: checked, coded, scaled, drawn in batches of one random face per track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.process_group import ALONE, Processes
from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._names import track_name

WHOLE = slice(None)
SCANNED_ROWS = 65536  # rows of features read at a time, so that a memory-mapped file is never loaded whole


class TrainingData:
    """Training tracks, their identities as codes, and the scale of their features.

    Parameters
    ----------
    tracks : TrackSet
        Tracks of two or more identities; those without a label are left out.
    input_scale : float or None
        Features are multiplied by it; None takes the inverse of the mean norm of the faces.
    processes : Processes
        Those that have a part of each batch each.

    Attributes
    ----------
    codes : ndarray of shape (n_tracks,), int64
        Identities numbered by first appearance.
    n_identities : int
    input_scale : float
        Rounded to float32, in which features are scaled.

    Raises
    ------
    InputError
        If labels are missing, there are fewer than two tracks or identities, or a face is not finite or zero.
    """

    def __init__(self, tracks: TrackSet, input_scale: float | None = None, processes: Processes = ALONE) -> None:
        self.processes = processes
        self.tracks = tracks = tracks if tracks.labels is None else tracks.labelled()
        self.codes = identity_codes(tracks, "training")
        self.n_identities = int(self.codes.max()) + 1
        mean_norm = _mean_norm(tracks)
        self.input_scale = float(np.float32(1 / mean_norm if input_scale is None else input_scale))

    def batches(self, rng: np.random.Generator, batch_size: int) -> list[NDArray[np.int64]]:
        """Cut a permutation of the tracks into batches, as `permuted_batches` does."""
        return permuted_batches(self.tracks.n_tracks, batch_size, rng)

    def draw(
        self, rng: np.random.Generator, batch: NDArray[np.int64], faces_drawn: str = "one"
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Draw from each track of a batch one random face, or the mean of a random half of its faces.

        Returns scaled features (n, n_features) and codes (n,) of this process's part of the batch; what is drawn is the
        same for any number of processes.
        """
        part = self.processes.share(len(batch))
        if faces_drawn == "one":
            faces = np.take(self.tracks.features, self.tracks.sample_rows(rng, batch)[part], axis=0)
        else:
            faces = mean_of_random_halves(self.tracks, rng, batch, part)
        faces *= np.float32(self.input_scale)
        return faces, self.codes[batch[part]]


def permuted_batches(n_tracks: int, batch_size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Cut a permutation of tracks into batches of one size, as the training does in an epoch.

    The last batch is filled up from the start of the permutation: no batch is small, and none holds a track twice.
    Fewer tracks than ``batch_size`` make one batch.
    """
    permutation = rng.permutation(n_tracks)
    size = min(batch_size, n_tracks)
    return [
        np.concatenate([permutation[start : start + size], permutation[: max(0, start + size - n_tracks)]])
        for start in range(0, n_tracks, size)
    ]


def mean_of_random_halves(
    tracks: TrackSet, rng: np.random.Generator, batch: NDArray[np.int64], part: slice = WHOLE
) -> NDArray[np.float32]:
    """Average a random half of the faces of each track of a part of a batch, rounded up: (n, n_features) float32."""
    counts = tracks.offsets[batch + 1] - tracks.offsets[batch]
    ends = np.cumsum(counts)
    row = np.repeat(np.arange(len(batch)), counts)
    faces = np.arange(ends[-1]) + np.repeat(tracks.offsets[batch] - (ends - counts), counts)
    shuffled = np.lexsort((rng.random(len(faces)), row))
    half = -(-counts // 2)
    chosen = faces[shuffled[np.arange(ends[-1]) - np.repeat(ends - counts, counts) < half[row]]]
    in_part = np.zeros(len(batch), np.bool_)
    in_part[part] = True
    if not in_part.any():
        return np.empty((0, tracks.n_features), np.float32)
    chosen, half = chosen[np.repeat(in_part, half)], half[in_part]
    starts = np.cumsum(half) - half
    sums = np.add.reduceat(tracks.features[chosen], starts, axis=0, dtype=np.float32)
    return np.asarray(sums / half[:, None], dtype=np.float32)


def identity_codes(tracks: TrackSet, part: str, *, joined: bool = False) -> NDArray[np.int64]:
    """Identities of the ``"training"`` or ``"validation"`` tracks, numbered by first appearance: (n_tracks,) int64.

    Raises
    ------
    InputError
        If labels are missing, or, unless others join them, there are fewer than two tracks or identities.
    """
    if tracks.labels is None or not tracks.is_labelled.any():
        raise InputError(f"the {part} tracks must have labels, got none")
    if tracks.n_tracks < 2 and not joined:
        raise InputError(f"the {part} tracks must be two or more, got {tracks.n_tracks}")
    codes, names = tracks.label_codes()
    if len(names) < 2 and not joined:
        raise InputError(f"the {part} tracks must show two identities or more, got only {str(names[0])!r}")
    return codes


def check_seen_twice(codes: NDArray[np.int64], what: str) -> None:
    """Refuse identities of which none has two tracks."""
    n_identities = len(np.unique(codes))
    if n_identities == len(codes):
        had = f"got {len(codes):,} tracks of {n_identities:,} identities"
        raise InputError(f"{what} takes an identity with two tracks or more, {had}")


def check_not_alike(tracks: TrackSet, part: str) -> None:
    """Refuse tracks whose faces are all the same vector, which tells nobody apart."""
    first = tracks.features[0]
    for start in range(0, tracks.n_faces, SCANNED_ROWS):
        if (tracks.features[start : start + SCANNED_ROWS] != first).any():  # true of NaN, which has its own sentence
            return
    had = f"got {tracks.n_faces:,} faces with the same features"
    raise InputError(f"the {part} tracks must show faces that differ, {had}")


def _mean_norm(tracks: TrackSet) -> float:
    """Mean norm of the faces; a face that is not finite or zero is an error."""
    total = 0.0
    for start in range(0, tracks.n_faces, SCANNED_ROWS):
        norms = np.linalg.norm(tracks.features[start : start + SCANNED_ROWS], axis=1)
        bad = np.flatnonzero(~(np.isfinite(norms) & (norms > 0)))
        if len(bad):
            what = "the zero vector" if norms[bad[0]] == 0 else "a value that is not finite"
            face = _face_name(tracks, start + int(bad[0]))
            raise InputError(f"faces must be finite and not zero, got {what} in {face}")
        total += float(norms.sum(dtype=np.float64))
    return total / tracks.n_faces


def _face_name(tracks: TrackSet, row: int) -> str:
    track = int(np.searchsorted(tracks.offsets, row, side="right")) - 1
    name = track_name(tracks.track_ids[track], tracks.video_ids[track])
    return f"face row {row - tracks.offsets[track]} of {name}"
