"""From faces that are followed to rows: each track in segments, the best face of each of which is recognised.

A track is cut into segments that grow, so that a short one has a few faces recognised and a long one not very many. A
new one begins also where somebody else may have taken the face's place: after a gap, and where two faces cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast.video._cutout import Cutout, cut_out, thumbnail
from bcl_fast.video._embedder import Embedder
from bcl_fast.video._faces import Faces
from bcl_fast.video._frames import Frame
from bcl_fast.video._tracker import crossing

_FIRST, _LONGEST = 16, 256  # frames of a segment
_GAP = 3  # looks without the face, after which somebody else may be in its place

Row = dict[str, Any]
_KEPT = ("track", "number", "planned", "begun", "is_fresh", "last", "is_crossing")  # of a segment, between two runs


@dataclass
class _Segment:
    """The segment of a track that goes on, and what is known of the track's last face."""

    track: int
    number: int  # of the segment in its track
    planned: int  # frames
    begun: int  # frame
    is_fresh: bool  # whether it is to be compared with the one before it
    last: int  # frame of the last face
    box: npt.NDArray[Any]  # of the last face
    is_crossing: bool
    rows: list[Row]
    best: Row | None = None
    face: Cutout | None = None


class SegmentBook:
    """Writes down the faces of tracks.

    Parameters
    ----------
    embedder : Embedder
        Gets the best face of each segment.
    stride : int
        Frames between two looks.
    """

    def __init__(self, embedder: Embedder, stride: int) -> None:
        self._embedder, self._stride = embedder, stride
        self._open: dict[int, _Segment] = {}
        self._rows: list[Row] = []
        self._recognised: list[Row] = []
        self._times: dict[int, float] = {}

    def pass_over(self, frame: Frame) -> None:
        """Take note of a frame that was not looked at."""
        self._times[frame.number] = frame.seconds

    def add(self, frame: Frame, faces: Faces, tracks: npt.NDArray[np.int64], quality: npt.NDArray[np.float32]) -> None:
        """Write down the faces of a frame that was looked at, those that have a track."""
        near = crossing(faces.boxes)
        for place, track in enumerate(tracks.tolist()):
            if track < 0:
                continue
            segment = self._segment_for(track, frame, bool(near[place]))
            box = faces.boxes[place]
            if segment.last < frame.number <= segment.last + self._stride:
                self._write_between(segment, frame.number, box)
            row = self._write(segment, frame.number, frame.seconds, box)
            row.update(score=float(faces.scores[place]), quality=float(quality[place]))
            if segment.best is None or row["quality"] > segment.best["quality"]:
                scale = frame.picture.shape[1] / frame.size.width
                segment.best, segment.face = row, cut_out(frame.picture, faces.take([place]).scaled(scale), 0)
            segment.last, segment.box = frame.number, box
        self._times.clear()

    def _segment_for(self, track: int, frame: Frame, is_crossing: bool) -> _Segment:
        now = self._open.get(track)
        if now is None:
            box = np.empty(0, np.float32)
            now = _Segment(track, 0, _FIRST, frame.number, False, frame.number, box, is_crossing, [])
        elif frame.number - now.last > _GAP * self._stride or is_crossing != now.is_crossing:
            now = self._next(now, frame.number, _FIRST, is_fresh=True)
        elif frame.number - now.begun >= now.planned:
            now = self._next(now, frame.number, min(2 * now.planned, _LONGEST), is_fresh=False)
        now.is_crossing = is_crossing
        self._open[track] = now
        return now

    def _next(self, old: _Segment, begun: int, planned: int, *, is_fresh: bool) -> _Segment:
        self._close(old)
        number = old.number + (1 if old.rows else 0)
        fresh = is_fresh or (old.is_fresh and not old.rows)
        return _Segment(old.track, number, planned, begun, fresh, old.last, old.box, old.is_crossing, [])

    def _write_between(self, segment: _Segment, number: int, box: npt.NDArray[np.float32]) -> None:
        """Write the faces of the frames since the last look, on a straight line."""
        for between in range(segment.last + 1, number):
            if between in self._times:
                share = np.float32((between - segment.last) / (number - segment.last))
                self._write(segment, between, self._times[between], segment.box + (box - segment.box) * share)

    def _write(self, segment: _Segment, number: int, seconds: float, box: npt.NDArray[np.float32]) -> Row:
        x, y, w, h = box.tolist()
        row: Row = {"track": segment.track, "segment": segment.number, "frame": number, "seconds": seconds}
        row.update(x=x, y=y, w=w, h=h)
        segment.rows.append(row)
        self._rows.append(row)
        return row

    def end_tracks(self, alive: npt.NDArray[np.int64]) -> None:
        """Close the tracks that do not go on."""
        for track in set(self._open) - set(alive.tolist()):
            segment = self._open.pop(track)
            is_tail = segment.number > 0 and not segment.is_fresh and not segment.is_crossing
            if is_tail and segment.last - segment.begun < segment.planned // 4:
                for row in segment.rows:  # too short for a face of its own
                    row["segment"] -= 1
            else:
                self._close(segment)

    def _close(self, segment: _Segment) -> None:
        """Have the best face of a segment recognised."""
        if segment.best is None or segment.face is None:
            return
        segment.best.update(is_fresh=segment.is_fresh, image=thumbnail(segment.face))
        self._embedder.add(segment.face)
        self._recognised.append(segment.best)

    def flush(self) -> list[Row]:
        """Close all segments, and return the rows since this was last asked for; tracks go on."""
        for track, segment in self._open.items():
            begun = segment.last + 1
            planned = max(segment.planned, _FIRST)
            self._open[track] = self._next(segment, begun, planned, is_fresh=False)
        for row, embedding in zip(self._recognised, self._embedder.collect(), strict=True):
            row["embedding"] = embedding
        rows, self._rows, self._recognised = self._rows, [], []
        return sorted(rows, key=lambda row: (row["frame"], row["track"]))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return what it knows of tracks that go on, after `flush`, as arrays by name."""
        kept = list(self._open.values())
        arrays: dict[str, npt.NDArray[Any]] = {
            name: np.array([getattr(segment, name) for segment in kept], np.int64) for name in _KEPT
        }
        arrays["box"] = np.array([segment.box for segment in kept], np.float32).reshape(-1, 4)
        arrays["passed"] = np.array(list(self._times), np.int64)
        arrays["passed_seconds"] = np.array(list(self._times.values()), np.float64)
        return arrays

    def restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Go on where `state` was asked for."""
        columns = [state[name].tolist() for name in _KEPT]
        for box, track, number, planned, begun, is_fresh, last, is_crossing in zip(state["box"], *columns, strict=True):
            self._open[track] = _Segment(
                track, number, planned, begun, bool(is_fresh), last, box, bool(is_crossing), rows=[]
            )
        self._times = dict(zip(state["passed"].tolist(), state["passed_seconds"].tolist(), strict=True))
