"""The command ``extract``, and what ``people`` shares with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._film_options import (
    DetectorFile,
    FilmDevice,
    Films,
    From,
    Jobs,
    MaxWidth,
    MinFace,
    MinFrames,
    RecognizerName,
    Sequence,
    Stride,
    To,
)
from bcl_fast.cli._film_progress import film_progress
from bcl_fast.cli._options import Force
from bcl_fast.errors import InputError
from bcl_fast.video import _defaults as defaults

if TYPE_CHECKING:
    from bcl_fast.video import Extraction, ExtractionOptions


def extract(
    films: Films,
    output: Annotated[Path, typer.Option("--output", "-o", help="The tracks: a .parquet file.", show_default=False)],
    start: From = "0",
    stop: To = "",
    stride: Stride = defaults.STRIDE,
    max_width: MaxWidth = defaults.MAX_WIDTH,
    min_face: MinFace = defaults.MIN_FACE,
    min_frames: MinFrames = defaults.MIN_FRAMES,
    detector: DetectorFile = defaults.DETECTOR,
    recognizer: RecognizerName = defaults.RECOGNIZER,
    sequence: Sequence = False,
    device: FilmDevice = "cpu",
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Find the faces in films and pictures, follow them through each shot, and write their tracks.

    What other commands read: a row per face and frame, with embeddings and small pictures. A run that was killed is
    taken up again by the same command, and the result has the same bits.
    """
    options = film_options(start, stop, stride, max_width, min_face, min_frames, detector, recognizer, sequence)
    extract_films(films, output, options, device=device, jobs=jobs, force=force)


def film_options(
    start: str,
    stop: str,
    stride: int,
    max_width: int,
    min_face: float,
    min_frames: int,
    detector: str,
    recognizer: str,
    sequence: bool,
) -> ExtractionOptions:
    """Put the options of the command line together."""
    from bcl_fast.video import ExtractionOptions

    return ExtractionOptions(
        start_seconds=_seconds(start),
        stop_seconds=_seconds(stop) if stop else float("inf"),
        stride=stride,
        max_width=max_width,
        min_face=min_face,
        min_frames=min_frames,
        detector=detector,
        recognizer=recognizer,
        sequence=sequence,
    )


def extract_films(
    films: list[Path], output: Path, options: ExtractionOptions, *, device: str, jobs: int | None, force: bool
) -> Extraction:
    """Extract, show the progress, and say what was found."""
    from bcl_fast.video import extract as extract_tracks

    with film_progress() as progress:
        found = extract_tracks(
            films, output, options=options, device=device, n_jobs=jobs, force=force, progress=progress
        )
    short = (
        f" ({counted(found.n_short, 'track')} of fewer than {options.min_frames} frames left out)"
        if found.n_short
        else ""
    )
    say(f"{counted(found.n_frames, 'frame')}: {counted(found.n_tracks, 'track')}{short} -> {output}")
    if found.n_damaged:
        say(f"{counted(found.n_damaged, 'damaged piece')} that could not be decoded left out")
    if found.n_tracks == 0:
        say("no faces were found: there is nobody to cluster")
    return found


def _seconds(time: str) -> float:
    """Return the seconds that a user wrote as seconds or as ``[hours:]minutes:seconds``."""
    seconds = 0.0
    try:
        parts = [float(part) for part in time.split(":")]
    except ValueError:
        parts = []
    if not 1 <= len(parts) <= 3 or not all(0 <= part < 1e9 for part in parts):
        raise InputError(f"a time is seconds or [hours:]minutes:seconds, got {time!r}")
    for part in parts:
        seconds = 60 * seconds + part
    return seconds
