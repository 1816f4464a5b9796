"""The command ``extract``, and what ``people`` shares with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._film_options import FilmDevice, Films, Jobs, film_options
from bcl_fast.cli._film_progress import film_progress
from bcl_fast.cli._options import Force
from bcl_fast.video import ExtractionOptions

if TYPE_CHECKING:
    from bcl_fast.video import Extraction


@film_options
def extract(
    films: Films,
    output: Annotated[Path, typer.Option("--output", "-o", help="The tracks: a .parquet file.", show_default=False)],
    options: ExtractionOptions,
    device: FilmDevice = "cpu",
    jobs: Jobs = None,
    force: Force = False,
) -> None:
    """Find the faces in films and pictures, follow them through each shot, and write their tracks.

    What other commands read: a row per face and frame, with embeddings and small pictures. A run that was killed is
    taken up again by the same command, and the result has the same bits.
    """
    extract_films(films, output, options, device=device, jobs=jobs, force=force)


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
