"""Which faces of one frame are those of the frames before: association as in ByteTrack.

Faces of high scores go first to the tracks whose predicted boxes they overlap most, all at once (an assignment); then
faces of low scores to tracks that are still without; then faces of high scores begin tracks. A track that finds no face
waits for a while. Y. Zhang et al.: ByteTrack, ECCV 2022.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Integers
from bcl_fast.video._faces import Faces, intersection_over_union
from bcl_fast.video._kalman import Motion

_WIDER = 0.5  # boxes are compared that much wider and higher: faces are small beside their steps
_LEAST_OVERLAP = 0.2  # of those boxes
_LEAST_OVERLAP_LOW = 0.4  # for faces of low scores
CROSSING_OVERLAP = 0.05  # of two tracks' boxes as they are, from which they may be taken for each other


class Tracker:
    """Follows faces through a shot.

    Parameters
    ----------
    high_score : float
        Least score of a face that begins a track.
    patience : int
        Frames that a track waits for its face.
    """

    def __init__(self, high_score: float, patience: int) -> None:
        self._high_score, self._patience = high_score, patience
        self._n_tracks = 0
        self._forget()

    def _forget(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._last_seen = np.empty(0, np.int64)
        self._motion = Motion.at(np.empty((0, 4), np.float32))
        self._now = 0

    def end_shot(self) -> None:
        """Follow nobody any more: the next frame is another shot."""
        self._forget()

    def follow(self, faces: Faces, number: int) -> Integers:
        """Give the faces of the next frame their tracks.

        Parameters
        ----------
        faces : Faces
            High scores and low ones.
        number : int
            Of the frame; larger than the one before.

        Returns
        -------
        tracks : ndarray of shape (n_faces,), int64
            Of each face, numbered from 0 in the order in which they began; -1 for a face that belongs to none.
        """
        self._drop(number - self._last_seen > self._patience)
        self._motion = self._motion.after(number - self._now) if len(self._ids) else self._motion
        self._now = number
        high = faces.scores >= self._high_score
        rows = self._matched(faces.boxes, np.flatnonzero(high), np.arange(len(self._ids)), _LEAST_OVERLAP)
        waiting = np.setdiff1d(np.arange(len(self._ids)), rows[rows >= 0])
        low = self._matched(faces.boxes, np.flatnonzero(~high), waiting, _LEAST_OVERLAP_LOW)
        rows = np.where(low >= 0, low, rows)
        self._correct(faces.boxes, rows, number)
        rows = self._begin(faces.boxes, rows, (rows < 0) & high, number)
        return np.append(self._ids, -1)[rows]

    def alive(self) -> Integers:
        """Return the tracks that may go on."""
        return self._ids

    def _drop(self, gone: Any) -> None:
        kept = np.flatnonzero(~gone)
        self._ids, self._last_seen, self._motion = self._ids[kept], self._last_seen[kept], self._motion.take(kept)

    def _matched(self, boxes: Any, faces: Integers, tracks: Integers, least_overlap: float) -> Integers:
        """Give each of some faces one of some tracks: the row of it for each of all faces, -1 without."""
        from scipy.optimize import linear_sum_assignment

        rows = np.full(len(boxes), -1, np.int64)
        overlaps = intersection_over_union(_wider(boxes[faces]), _wider(self._motion.boxes[tracks]))
        chosen, partners = linear_sum_assignment(overlaps, maximize=True)
        good = overlaps[chosen, partners] >= least_overlap
        rows[faces[chosen[good]]] = tracks[partners[good]]
        return rows

    def _correct(self, boxes: Any, rows: Integers, number: int) -> None:
        found = rows >= 0
        seen = self._motion.take(rows[found]).seen_at(boxes[found])
        self._motion.mean[rows[found]], self._motion.covariance[rows[found]] = seen
        self._last_seen[rows[found]] = number

    def _begin(self, boxes: Any, rows: Integers, new: Any, number: int) -> Integers:
        n_old, n_new = len(self._ids), int(new.sum())
        rows = rows.copy()
        rows[new] = n_old + np.arange(n_new)
        begun = Motion.at(boxes[new])
        self._ids = np.append(self._ids, self._n_tracks + np.arange(n_new))
        self._last_seen = np.append(self._last_seen, np.full(n_new, number))
        self._motion = Motion(*(np.concatenate(parts) for parts in zip(self._motion, begun, strict=True)))
        self._n_tracks += n_new
        return rows

    def state(self) -> dict[str, Any]:
        """Return all that it knows, as arrays and numbers by name."""
        arrays = {"ids": self._ids, "last_seen": self._last_seen}
        motion = {"mean": self._motion.mean, "covariance": self._motion.covariance}
        return {**arrays, **motion, "now": np.array(self._now), "n_tracks": np.array(self._n_tracks)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was asked for."""
        self._ids, self._last_seen = state["ids"], state["last_seen"]
        self._motion = Motion(state["mean"], state["covariance"])
        self._now, self._n_tracks = int(state["now"]), int(state["n_tracks"])


def crossing(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Whether each of the boxes of one frame touches another so much that their tracks may be mistaken."""
    overlaps = intersection_over_union(boxes, boxes)
    np.fill_diagonal(overlaps, 0)
    return np.asarray(overlaps.max(axis=1, initial=0) > CROSSING_OVERLAP)


def _wider(boxes: Any) -> Any:
    sizes = boxes[:, 2:] * (1 + _WIDER)
    return np.concatenate([boxes[:, :2] + (boxes[:, 2:] - sizes) / 2, sizes], axis=1)
