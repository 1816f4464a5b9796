"""From the parts of a film to its tracks: which segments make one, and what each row's embedding is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Floats, Integers

_SURELY_ANOTHER = 1.15  # of the recogniser's threshold: after a gap or a crossing
_SURELY_ANOTHER_ON = 1.6  # where the face was followed all the time


@dataclass(frozen=True)
class TracksOfParts:
    """What becomes of the segments of a film.

    Attributes
    ----------
    keys : ndarray of shape (n_segments,), int64
        ``track << 32 | segment``, sorted.
    tracks : ndarray of shape (n_segments,), int64
        Number of each segment's track from 1, in the order in which tracks begin; 0 for one that is left out.
    embeddings : ndarray of shape (n_segments, n_features), float32
        Of the segments, a memory map.
    n_left_out : int
        Tracks that are too short.
    """

    keys: Integers
    tracks: Integers
    embeddings: Floats
    n_left_out: int

    @property
    def n_tracks(self) -> int:
        """Number of tracks that are kept."""
        return int(self.tracks.max(initial=0))

    def places(self, rows: dict[str, npt.NDArray[Any]]) -> Integers:
        """Return the place of the segment of each row."""
        return np.searchsorted(self.keys, _keys(rows))


def gather(
    parts: list[Path], n_features: int, min_frames: int, threshold: float | None, scratch: Path
) -> TracksOfParts:
    """Look through parts and decide about their segments; embeddings go to a file, not into memory.

    A track is cut in two where the face before a segment and that of the segment are surely two people's: two who
    crossed, or one shot that faded into another.

    Parameters
    ----------
    parts : list of Path
    n_features : int
    min_frames : int
        Shorter tracks are left out.
    threshold : float or None
        The recogniser's; None to cut no track.
    scratch : Path
        A ``.npy`` file for the embeddings.
    """
    keys, counts, fresh, first_rows = _count(parts)
    embeddings = _mapped(scratch, len(keys), n_features)
    _fill(parts, keys, embeddings)
    pieces = _pieces(keys, fresh, embeddings, threshold)
    frames = np.bincount(pieces, counts, minlength=int(pieces.max(initial=-1)) + 1)
    begun = np.full(len(frames), np.iinfo(np.int64).max)
    np.minimum.at(begun, pieces, first_rows)
    kept = np.flatnonzero(frames >= min_frames)
    numbers = np.zeros(len(frames), np.int64)
    numbers[kept[np.argsort(begun[kept], kind="stable")]] = 1 + np.arange(len(kept))
    return TracksOfParts(keys, numbers[pieces], embeddings, len(frames) - len(kept))


def _keys(rows: dict[str, npt.NDArray[Any]]) -> Integers:
    return (rows["track"] << 32) | rows["segment"]


def _batches(parts: list[Path], columns: list[str]) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for part in parts:
        with part.open("rb") as file:
            yield pq.read_table(file, columns=columns)


def _count(parts: list[Path]) -> tuple[Integers, Integers, npt.NDArray[np.bool_], Integers]:
    """Return the segments, their rows, whether each is to be compared with the one before, and their first rows."""
    keys: list[Integers] = []
    fresh: list[Integers] = []
    for table in _batches(parts, ["track", "segment", "is_fresh"]):
        rows = {name: table.column(name).to_numpy() for name in ("track", "segment")}
        keys.append(_keys(rows))
        fresh.append(keys[-1][table.column("is_fresh").fill_null(False).to_numpy()])
    every = np.concatenate(keys) if keys else np.empty(0, np.int64)
    found, first_rows, counts = np.unique(every, return_index=True, return_counts=True)
    return found, counts, np.isin(found, np.concatenate(fresh) if fresh else every), first_rows


def _mapped(scratch: Path, n_segments: int, n_features: int) -> Floats:
    if n_segments == 0:
        return np.empty((0, n_features), np.float32)
    return np.lib.format.open_memmap(scratch, "w+", np.float32, (n_segments, n_features))


def _fill(parts: list[Path], keys: Integers, embeddings: Floats) -> None:
    for table in _batches(parts, ["track", "segment", "embedding"]):
        best = table.filter(table.column("embedding").is_valid())
        if len(best):
            rows = {name: best.column(name).to_numpy() for name in ("track", "segment")}
            values = best.column("embedding").combine_chunks().flatten().to_numpy()
            embeddings[np.searchsorted(keys, _keys(rows))] = values.reshape(len(best), -1)


def _pieces(keys: Integers, fresh: npt.NDArray[np.bool_], embeddings: Floats, threshold: float | None) -> Integers:
    """Cut tracks into pieces, and number these from 0: (n_segments,)."""
    pieces = np.empty(len(keys), np.int64)
    track, piece = -1, -1
    known: list[npt.NDArray[np.float64]] = []
    for place, key in enumerate(keys.tolist()):
        now = _unit(embeddings[place])
        factor = _SURELY_ANOTHER if fresh[place] else _SURELY_ANOTHER_ON
        is_other = threshold is not None and track == key >> 32 and _squared(now, known) > factor * threshold
        if track != key >> 32 or is_other:
            track, piece, known = key >> 32, piece + 1, []
        known.append(now)
        pieces[place] = piece
    return pieces


def _unit(vector: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    vector = vector.astype(np.float64)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _squared(face: npt.NDArray[np.float64], known: list[npt.NDArray[np.float64]]) -> float:
    """Squared distance to the nearest of the faces of a piece and their mean: one face of a few may be a poor one."""
    faces = np.stack([*known, _unit(np.sum(known, axis=0))])
    return float(np.square(faces - face).sum(axis=1).min())
