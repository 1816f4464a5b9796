"""The command ``merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._options import Force, Result
from bcl_fast.errors import InputError


def merge(
    result: Result,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".parquet or .csv; '-' is CSV on standard output.", show_default=False),
    ],
    names: Annotated[
        Path | None,
        typer.Option(help="CSV of cluster_id,name to put into the result first.", show_default=False),
    ] = None,
    clusters: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N,N,...",
            help="Numbers of clusters that are one person. Repeat it for more people.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Put clusters together that are one person: those of one name, and those listed.

    A merged cluster has the smallest number and the name of its parts; all others stay as they are. A result that was
    merged takes new tracks as any other (cluster --update).
    """
    from bcl_fast.results import (
        check_result_output,
        merge_clusters,
        name_clusters,
        read_names,
        read_result,
        write_result,
    )

    check_separate([output], [result, names])
    check_result_output(output, force=force)
    groups = [_numbers(group) for group in clusters or ()]
    old = read_result(result)
    if names is not None:
        old = name_clusters(old, read_names(names))
    merged = merge_clusters(merge_clusters(old, groups))
    write_result(merged, output, force=force)
    say(f"{counted(old.n_clusters, 'cluster')} merged into {merged.n_clusters:,} -> {output}")


def _numbers(group: str) -> list[int]:
    parts = [part.strip() for part in group.split(",")]
    if len(parts) < 2 or not all(part.isdecimal() and len(part) < 19 for part in parts):
        raise InputError(f"--clusters must be two numbers of clusters or more, such as 3,7, got {group[:40]!r}")
    return [int(part) for part in parts]
