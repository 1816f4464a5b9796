"""Progress of an extraction on standard error: a bar on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bcl_fast.cli._bars import passing_bar, time_left
from bcl_fast.cli._console import say

if TYPE_CHECKING:
    from bcl_fast.video import ExtractionProgress
    from bcl_fast.video._look import OnProgress

_LINES = 10  # of a film whose length is known, where standard error is no terminal
_FRAMES_PER_LINE = 20_000  # of one whose length is not


@contextmanager
def film_progress() -> Iterator[OnProgress]:
    """Show how far a film is: frames, frames per second and the time left."""
    if not sys.stderr.isatty():
        yield _Lines().show
        return
    with passing_bar() as move:

        def show(progress: ExtractionProgress) -> None:
            move(progress.n_frames, progress.total, Path(progress.film).name[-40:], _how(progress))

        yield show


class _Lines:
    def __init__(self) -> None:
        self._said: tuple[str, int] = "", 0

    def show(self, progress: ExtractionProgress) -> None:
        step = max(_FRAMES_PER_LINE // 20, progress.total // _LINES) if progress.total else _FRAMES_PER_LINE
        now = progress.film, progress.n_frames // step
        if now != self._said and now[1] > 0:
            say(f"{progress.film}: {_how(progress)}")
        self._said = now


def _how(progress: ExtractionProgress) -> str:
    total = f" of {progress.total:,}" if progress.total else ""
    text = f"{progress.n_frames:,}{total} frames, {progress.frames_per_second:,.0f} a second"
    return text if progress.seconds_left is None else f"{text}, {time_left(progress.seconds_left)}"
