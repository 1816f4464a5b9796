"""The commands ``export`` and ``import``: other tools, and labels corrected in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._options import Force, Result
from bcl_fast.cli._report import PicturesFolder, TracksOption, pictures_folder

Tool = Literal["fiftyone", "labelstudio", "coco", "mot", "csv"]


def export(
    result: Result,
    to: Annotated[Tool, typer.Option("--to", help="The format.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .json or .csv file; of fiftyone and mot a folder.", show_default=False),
    ],
    tracks: TracksOption = None,
    pictures: PicturesFolder = None,
    force: Force = False,
) -> None:
    """Write who is who for another tool.

    fiftyone: a classification dataset of thumbnails. labelstudio: tasks with predictions, and the labelling
    configuration beside them. coco: an annotation per face, its person as the category. mot: MOTChallenge's gt.txt per
    video, people as identities. csv: a row per track. What is corrected there comes back by bcl-fast import.
    """
    from bcl_fast.report import check_export_output, export_result
    from bcl_fast.results import read_result
    from bcl_fast.tracks import read_tracks

    check_separate([output], [result, *(tracks or ())])
    check_export_output(output, to, force=force)
    people = read_tracks(tracks) if tracks else None
    folder = pictures_folder(pictures, tracks)
    exported = export_result(read_result(result), output, to, tracks=people, pictures=folder, force=force)
    for note in exported.notes:
        say(note)
    say(f"{counted(exported.n_tracks, 'track')} -> {output}")


def import_(
    result: Result,
    labels: Annotated[Path, typer.Argument(metavar="LABELS", help="What the other tool exported.", show_default=False)],
    tool: Annotated[Tool, typer.Option("--from", help="The format.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="The edits, .json.", show_default=False)],
    tracks: TracksOption = None,
    force: Force = False,
) -> None:
    """Turn labels that were corrected in another tool into edits, which bcl-fast apply puts into the result.

    What the labels change is what is written: people with other tracks or other names. A label "not a face" marks what
    is none.
    """
    from bcl_fast.report import import_labels
    from bcl_fast.results import read_result
    from bcl_fast.tracks import check_edits_output, read_tracks, write_edits

    check_separate([output], [result, labels, *(tracks or ())])
    check_edits_output(output, force=force)
    people = read_tracks(tracks) if tracks else None
    edits = import_labels(read_result(result), labels, tool, tracks=people)
    write_edits(edits, output, force=force)
    n_people = f"{len(edits.people):,} people have" if len(edits.people) != 1 else "1 person has"
    no_faces = f", {counted(len(edits.not_a_face), 'track')} marked as no face" if edits.not_a_face else ""
    say(f"{n_people} other tracks or names{no_faces} -> {output}")
