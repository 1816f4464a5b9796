"""The commands ``report`` and ``review``: the page as a file, and served."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.extras import require
from bcl_fast._utils.separate import check_separate
from bcl_fast.cli._console import say
from bcl_fast.cli._inputs import files_of_pairs, pairs_of
from bcl_fast.cli._options import Constraints, DuplicateIoU, Force, MinOverlap, Result
from bcl_fast.errors import InputError
from bcl_fast.tracks import DUPLICATE_IOU

if TYPE_CHECKING:
    from bcl_fast.report import Report
    from bcl_fast.results import ClusteringResult
    from bcl_fast.tracks import TrackSet

TracksOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--tracks",
        metavar="TRACKS",
        help="The tracks of the result, repeated for several files: for their pictures, times and labels.",
        show_default=False,
    ),
]
PicturesFolder = Annotated[
    Path | None,
    typer.Option(
        "--pictures",
        metavar="FOLDER",
        help="Where the pictures are that tracks name by paths; by default the folder of the first tracks. Nothing "
        "outside of it is opened.",
        show_default=False,
    ),
]
FramesPerSecond = Annotated[
    float | None, typer.Option("--fps", help="Frames per second, to show times and not frames.", show_default=False)
]


def report(
    result: Result,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page, .html.", show_default=False)],
    tracks: TracksOption = None,
    pictures: PicturesFolder = None,
    fps: FramesPerSecond = None,
    edits: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="Edits that were made before, to go on with.", show_default=False),
    ] = None,
    per_cluster: Annotated[int, typer.Option(min=0, help="Pictures of one cluster.")] = 60,
    max_megabytes: Annotated[float, typer.Option(min=0, help="Of all pictures in the page together.")] = 40,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    force: Force = False,
) -> None:
    """Write a page to look at the people and to correct clusters: one file that opens from disk, without a network.

    Name, merge and split clusters, move tracks, mark what is no face; export the edits, and apply them (bcl-fast
    apply). With labels in the tracks the page shows scores too.
    """
    from bcl_fast.report import check_report_output, write_report
    from bcl_fast.tracks import read_edits

    check_separate([output], [result, *(tracks or ()), edits, *files_of_pairs(constraints)])
    check_report_output(output, force=force)
    shown = _report(result, tracks, pictures, fps, constraints, min_overlap, duplicate_iou)
    if edits is not None:
        from dataclasses import replace

        shown = replace(shown, edits=read_edits(edits))
    notes = write_report(shown, output, force=force, per_cluster=per_cluster, max_megabytes=max_megabytes)
    for note in notes:
        say(note)
    say(f"{shown.result.n_clusters:,} people, {output.stat().st_size / 1e6:.1f} MB -> {output}")


def review(
    result: Result,
    tracks: TracksOption = None,
    pictures: PicturesFolder = None,
    fps: FramesPerSecond = None,
    edits: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="Where edits are kept, and read from if it is there; by default RESULT.edits.json.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="To listen on; 0 is any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = False,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
) -> None:
    """Serve the page of report on this machine: all pictures, and every edit written at once.

    Nobody else can reach it: it listens on 127.0.0.1, and its address holds a secret. Ctrl-C ends it; started again, it
    goes on with the edits, undo included.
    """
    require("review", "jinja2", "starlette", "uvicorn")
    from bcl_fast.report import serve
    from bcl_fast.tracks import check_edits_output

    kept = edits or result.with_suffix(".edits.json")
    check_separate([kept], [result, *(tracks or ()), *files_of_pairs(constraints)])
    check_edits_output(kept, force=True)
    shown = _report(result, tracks, pictures, fps, constraints, min_overlap, duplicate_iou)

    def say_address(address: str) -> None:
        say(f"edits -> {kept} (bcl-fast apply {result} {kept} -o RESULT2)")
        say(f"the page is at {address} until Ctrl-C")
        if browser:
            import webbrowser

            webbrowser.open(address)

    serve(shown, kept, port=port, on_address=say_address)


def _report(
    result: Path,
    tracks: list[Path] | None,
    pictures: Path | None,
    fps: float | None,
    constraints: list[str] | None,
    min_overlap: int,
    duplicate_iou: float,
) -> Report:
    from bcl_fast.report import Report
    from bcl_fast.results import read_result

    found, people, pairs = read_result(result), None, None
    if pictures is not None and not pictures.is_dir():
        raise InputError(f"the folder of pictures {pictures} does not exist or is not a folder")
    if tracks:
        from bcl_fast.tracks import read_tracks

        people = read_tracks(tracks)
        say_what_is_absent(found, people)
        pairs = pairs_of(people, constraints, min_overlap, duplicate_iou)
    elif constraints not in (None, ["none"]):
        raise typer.BadParameter("--constraints wants the --tracks that they are about")
    return Report(found, people, pairs, pictures_folder(pictures, tracks), fps, result.name)


def say_what_is_absent(result: ClusteringResult, tracks: TrackSet) -> None:
    """Say how many tracks of a result are shown without pictures, because they are not given.

    Raises
    ------
    InputError
        If none is.
    """
    from bcl_fast.results import tracks_of_rows

    n_absent = int((tracks_of_rows(result, tracks) < 0).sum())
    if n_absent == result.n_tracks:
        raise InputError("--tracks must hold tracks of the result, got none of them")
    if n_absent:
        say(f"{n_absent:,} of {result.n_tracks:,} tracks of the result are not in --tracks: shown without pictures")


def pictures_folder(pictures: Path | None, tracks: list[Path] | None) -> Path | None:
    """Return where the pictures are that tracks name by paths: by default the folder of the first tracks."""
    if pictures is not None or not tracks or str(tracks[0]) == "-":
        return pictures
    return tracks[0] if tracks[0].is_dir() else tracks[0].parent
