"""One film from frames to parts of rows: the stages after each other, and where it is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from time import monotonic
from typing import NamedTuple

import numpy as np

from bcl_fast._utils.threads import one_thread_of_torch
from bcl_fast.video._ahead import read_ahead
from bcl_fast.video._embedder import Embedder
from bcl_fast.video._faces import FaceDetector, Faces
from bcl_fast.video._frames import Frame, Position, Source
from bcl_fast.video._options import ExtractionOptions
from bcl_fast.video._quality import quality
from bcl_fast.video._recognizer import open_recognizer
from bcl_fast.video._segments import SegmentBook
from bcl_fast.video._shots import ShotDetector
from bcl_fast.video._tracker import Tracker
from bcl_fast.video._work_folder import FilmFolder, State

CHECKPOINT_FRAMES = 2000  # between two states that a killed run goes on from
_PATIENCE_SECONDS = 1.0  # that a track waits for its face
_LOW_SCORE = 0.5  # of the score that begins a track: what goes on with one
_AHEAD, _PIXELS_AHEAD = 8, 1 << 24  # frames that are decoded ahead, and their pixels together
_GPU_BATCH = 8  # pictures that a GPU gets at once


class Seen(NamedTuple):
    """A frame that was decoded, the number of the frame that began its shot, and whether it is looked at."""

    frame: Frame
    shot: int
    is_look: bool


@dataclass(frozen=True)
class ExtractionProgress:
    """How far a film is.

    Attributes
    ----------
    film : str
    n_frames : int
        Frames done.
    total : int or None
        Frames of the film, as far as it says that.
    frames_per_second : float
        Of this run.
    seconds_left : float or None
    """

    film: str
    n_frames: int
    total: int | None
    frames_per_second: float

    @property
    def seconds_left(self) -> float | None:
        """Time that the rest takes at the present speed."""
        if self.total is None or self.frames_per_second <= 0:
            return None
        return max(0, self.total - self.n_frames) / self.frames_per_second


OnProgress = Callable[[ExtractionProgress], None]


def watch(
    source: Source,
    options: ExtractionOptions,
    folder: FilmFolder,
    device: str,
    on_progress: OnProgress | None,
) -> int:
    """Look at a film and write its rows to its folder; return the number of frames that were decoded, 0 for none.

    Nothing of the film that was looked at before is looked at again.
    """
    state = folder.last_state()
    if state is not None and bool(state["is_done"]):
        return int(state["n_frames"])
    recognizer = open_recognizer(options.recognizer, device)
    with one_thread_of_torch(), ThreadPoolExecutor(1) as pool:
        embedder = Embedder(recognizer, pool)
        return _Watching(source, options, folder, device, embedder).run(state, on_progress)


class _Watching:
    def __init__(
        self, source: Source, options: ExtractionOptions, folder: FilmFolder, device: str, embedder: Embedder
    ) -> None:
        self._source, self._options, self._folder = source, options, folder
        self._stride = options.stride if source.is_film else 1
        self._detector = FaceDetector(options.detector, _LOW_SCORE * options.min_score, device)
        self._tracker = Tracker(options.min_score, max(self._stride, round(_PATIENCE_SECONDS * source.rate)))
        self._book = SegmentBook(embedder, self._stride)
        self._batch = 1 if device == "cpu" else _GPU_BATCH
        self._n_frames, self._n_damaged, self._shot = 0, 0, 0
        self._waiting: list[Seen] = []

    def run(self, state: State | None, on_progress: OnProgress | None) -> int:
        if state is not None:
            self._restore(state)
        started, n_before, last = monotonic(), self._n_frames, None
        with closing(read_ahead(self._seen(state), _AHEAD, _weight, _PIXELS_AHEAD)) as frames:
            for seen in frames:
                last = seen.frame
                self._take_in(seen)
                if on_progress is not None:
                    speed = (self._n_frames - n_before) / max(monotonic() - started, 1e-6)
                    name, done = str(self._source.path), last.number + 1
                    on_progress(ExtractionProgress(name, done, self._last_frame(), speed))
        self._take(self._waiting)
        self._tracker.end_shot()
        self._book.end_tracks(self._tracker.alive())
        self._save(last, is_done=True)
        return self._n_frames

    def _take_in(self, seen: Seen) -> None:
        """Look at a frame as soon as there are enough of them, and write down the state now and then."""
        self._n_frames += 1
        self._waiting.append(seen)
        is_checkpoint = (seen.frame.number + 1) % CHECKPOINT_FRAMES == 0
        if is_checkpoint or sum(one.is_look for one in self._waiting) == self._batch:
            waiting, self._waiting = self._waiting, []
            self._take(waiting)
        if is_checkpoint:
            self._save(seen.frame, is_done=False)

    def _last_frame(self) -> int | None:
        """Return the number of frames up to the end of what is looked at, as far as that is known."""
        total, stop = self._source.n_frames, self._options.stop_seconds
        if total is None or not self._source.rate or not stop * self._source.rate < total:
            return total
        return ceil(stop * self._source.rate)

    def _seen(self, state: State | None) -> Iterator[Seen]:
        """Decode frames, and say which begin a shot and which are looked at: every k-th of a shot, and its last."""
        held: Seen | None = None
        for frame, shot in self._in_shots(state):
            begins = frame.number == shot
            if held is not None:
                yield held._replace(is_look=True) if begins else held
            held = Seen(frame, shot, (frame.number - shot) % self._stride == 0)
        if held is not None:
            yield held._replace(is_look=True)

    def _in_shots(self, state: State | None) -> Iterator[tuple[Frame, int]]:
        """Decode frames, each with the number of the first of its shot; go on behind what the state says was done."""
        shots, shot, position = ShotDetector(), 0, Position()
        if state is not None:
            position, shot = Position(int(state["number"]), int(state["pts"])), int(state["shot"])
        for frame in self._source.frames(position, self._options.start_seconds):
            begins = shots.begins(frame) or not self._source.is_film
            if state is not None and frame.number <= position.number:
                continue  # the last one that was done: it was only shown to the detector of shots
            if frame.seconds >= self._options.stop_seconds:
                return
            shot = frame.number if begins else shot
            yield frame, shot

    def _take(self, waiting: list[Seen]) -> None:
        found = iter(self._detect([seen.frame for seen in waiting if seen.is_look]))
        for frame, self._shot, is_look in waiting:
            if frame.number == self._shot:
                self._tracker.end_shot()
                self._book.end_tracks(self._tracker.alive())
            if not is_look:
                self._book.pass_over(frame)
                continue
            faces, rating = next(found)
            tracks = self._tracker.follow(faces, frame.number)
            self._book.end_tracks(self._tracker.alive())
            self._book.add(frame, faces, tracks, rating)

    def _detect(self, frames: list[Frame]) -> list[tuple[Faces, np.ndarray]]:
        found = []
        for group in _of_one_size(frames):
            size = group[0].size.within(self._options.max_width)
            pictures = [frame.scaled(size) for frame in group]
            factor = size.width / group[0].size.width
            for picture, faces in zip(pictures, self._detector.detect(pictures), strict=True):
                faces = faces.scaled(1 / factor)
                faces = faces.take(faces.boxes[:, 2:].min(axis=1, initial=np.inf) >= self._options.min_face)
                found.append((faces, quality(faces, picture, factor)))
        return found

    def _restore(self, state: State) -> None:
        self._n_frames, self._n_damaged = int(state["n_frames"]), int(state["n_damaged"])
        self._shot = int(state["shot"])
        for room, prefix in ((self._tracker, "tracker_"), (self._book, "book_")):
            room.restore({name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)})

    def _save(self, last: Frame | None, *, is_done: bool) -> None:
        rows = self._book.flush()
        state: State = {"is_done": is_done, "n_frames": self._n_frames, "shot": self._shot}
        state["n_damaged"] = self._n_damaged + self._source.n_damaged
        state |= {"number": -1 if last is None else last.number, "pts": -1 if last is None else last.pts}
        state |= {f"tracker_{name}": value for name, value in self._tracker.state().items()}
        state |= {f"book_{name}": value for name, value in self._book.state().items()}
        self._folder.write(rows, state)


def _weight(seen: Seen) -> int:
    return seen.frame.size.width * seen.frame.size.height


def _of_one_size(frames: list[Frame]) -> list[list[Frame]]:
    """Group adjacent frames of one size."""
    return [list(group) for _, group in groupby(frames, key=lambda frame: frame.size)]
