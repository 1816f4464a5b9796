"""Tables on standard output: scores, and how clusters grew."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from bcl_fast._utils.csv import write_csv
from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say

if TYPE_CHECKING:
    from rich.table import Table

    from bcl_fast.evaluation import EvaluationRow
    from bcl_fast.results import Growth


LINES_OF_GROWTH = 30


def print_scores(
    rows: Sequence[EvaluationRow], raw_rows: Sequence[EvaluationRow] | None, *, form: str, method: str = "bcl"
) -> None:
    """Print scores by ``method``, and those of the raw features if given, as a ``table``, ``json`` or ``csv``."""
    if form == "table":
        print_table(scores_table(rows, raw_rows))
        return
    records = [{"method": method, **row._asdict()} for row in rows]
    records += [{"method": "raw", **row._asdict()} for row in raw_rows or ()]
    print_records(records, form=form)


def print_records(records: Sequence[dict[str, Any]], *, form: str) -> None:
    """Print records of the same keys on standard output, as a ``table``, ``json`` or ``csv``."""
    if form == "json":
        typer.echo(json.dumps(records, indent=2))
    elif form == "csv":
        write_csv(sys.stdout, records[0] if records else (), (record.values() for record in records))
    else:
        print_table(_records_table(records))


def print_records_on_stderr(records: Sequence[dict[str, Any]], note: str | None) -> None:
    """Print records of the same keys as a table on standard error, and a note below it."""
    if records:
        print_table(_records_table(records, note), stderr=True)


def _records_table(records: Sequence[dict[str, Any]], note: str | None = None) -> Table:
    table = _new_table(caption=note)
    filled = [key for key in records[0] if any(record[key] not in ("", None) for record in records)]
    for key in filled:
        table.add_column(key, justify="left" if isinstance(records[0][key], str) else "right")
    for record in records:
        _add_row(table, [record[key] for key in filled])
    return table


def scores_table(rows: Sequence[EvaluationRow], raw_rows: Sequence[EvaluationRow] | None = None) -> Table:
    """Lay out scores per video; those of the raw features, told the number of people, beside them if given."""
    notes = []
    with_pairs = any(row.n_cannot_link for row in rows)
    if with_pairs:
        notes.append(
            "violated: pairs of tracks known to be two people that would share a cluster without the constraints; "
            f"{rows[-1].violated:,} do with them"
        )
    if raw_rows is not None:
        notes.append("raw: the features as they are, cut at the true number of people")
    table = _new_table(caption="\n".join(notes) or None)
    table.add_column("video")
    names = ["#tracks", "#people", "#clusters", "NMI", "WCP", *(["violated"] if with_pairs else [])]
    for name in (*names, *(("raw NMI", "raw WCP") if raw_rows else ())):
        table.add_column(name, justify="right")
    for place, row in enumerate(rows):
        cells = [row.video, f"{row.n_tracks:,}", f"{row.n_identities:,}", f"{row.n_clusters:,}", *_scores(row)]
        cells += [f"{row.violated_without:,} of {row.n_cannot_link:,}"] if with_pairs else []
        cells += _scores(raw_rows[place]) if raw_rows else []
        combined = len(rows) > 1 and place == len(rows) - 1
        _add_row(table, cells, style="bold" if combined else None, end_section=place == len(rows) - 2)
    return table


def _scores(row: EvaluationRow) -> list[str]:
    return [f"{row.nmi:.3f}", f"{row.wcp:.3f}"]


def print_growth(rows: Sequence[Growth]) -> None:
    """Print on standard error which clusters of a result grew, and which are new."""
    if not rows:
        say("no track is new")
        return
    hidden = rows[LINES_OF_GROWTH:]
    note = f"and {counted(len(hidden), 'cluster')} that {sum(row.n_added for row in hidden):,} tracks joined or opened"
    table = _new_table(caption=note if hidden else None)
    named = any(row.name for row in rows)
    for column in ("cluster", *(["name"] if named else []), "tracks before", "added"):
        table.add_column(column, justify="left" if column == "name" else "right")
    for row in rows[:LINES_OF_GROWTH]:
        before = f"{row.n_before:,}" if row.n_before else "new"
        _add_row(table, [row.cluster_id, *([row.name] if named else []), before, f"{row.n_added:,}"])
    print_table(table, stderr=True)


def _new_table(caption: str | None = None) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, caption=caption, caption_justify="left")


def _add_row(table: Table, cells: Sequence[object], **options: Any) -> None:
    """Add a row whose cells show what they hold: rich would read its own markup, and emoji, in plain text."""
    from rich.text import Text

    table.add_row(*(Text(as_printable(cell)) for cell in cells), **options)


def print_table(table: Table, *, stderr: bool = False) -> None:
    """Print a table on standard output or error, never cut short where that is not a terminal."""
    from rich.console import Console

    terminal = Console(stderr=stderr)
    console = terminal if terminal.is_terminal else Console(stderr=stderr, width=200)
    console.print(table)
