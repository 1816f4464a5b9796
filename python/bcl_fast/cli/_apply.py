"""The command ``apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._options import Force, Result


def apply(
    result: Result,
    edits: Annotated[
        list[Path],
        typer.Argument(
            metavar="EDITS", help="Files of edits (.json) of the page: of report, or of review.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".parquet or .csv; '-' is CSV on standard output.", show_default=False),
    ],
    force: Force = False,
) -> None:
    """Correct a result by edits that were made by hand in the page.

    Clusters that were merged, split or named, tracks that were moved, and what is no face are as they were left there;
    all others keep their numbers and names. The same files as --constraints of cluster and finetune keep later
    clusterings to these decisions, and new tracks are added to the output as to any other result (cluster --update).
    """
    from bcl_fast.results import apply_edits, check_result_output, read_result, write_result
    from bcl_fast.tracks import combine_edits, read_edits

    check_separate([output], [result, *edits])
    check_result_output(output, force=force)
    decided = combine_edits((str(file), read_edits(file)) for file in edits)
    edited = apply_edits(read_result(result), decided)
    write_result(edited, output, force=force)
    names = {str(name) for name in ([] if edited.names is None else edited.names) if name}
    clusters = f"{counted(edited.n_clusters, 'cluster')}, {len(names):,} named"
    say(f"{counted(edited.n_tracks, 'track')}: {clusters} -> {output}")
