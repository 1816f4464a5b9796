"""What the command line shows: sentences and progress on standard error, tables on standard output."""

from __future__ import annotations

import csv
import json
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from bcl_fast.cluster._progress import OnProgress
    from bcl_fast.cluster._progress import Progress as ClusteringProgress
    from bcl_fast.evaluation._evaluate import EvaluationRow
    from bcl_fast.models._model import EmbeddingModel
    from bcl_fast.results._update import Growth
    from bcl_fast.tracks._io import TrackSet
    from bcl_fast.training._history import EpochRecord

LINES_OF_GROWTH = 30
LINES_OF_PROGRESS = 20  # of a training whose output is not a terminal
LEAST_SHARE = 0.02  # of a clustering, before which the time left is not worth saying


class Progress(Protocol):
    """What a training reports to."""

    def on_epoch(self, record: EpochRecord) -> None:
        """Show the scores of an epoch."""

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        """Show how far an epoch is."""


def say(sentence: str) -> None:
    """Print a sentence on standard error."""
    typer.echo(sentence, err=True)


def counted(number: int, what: str) -> str:
    """Put a number before its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def describe_tracks(tracks: TrackSet) -> str:
    """How much there is of everything, in one line."""
    sizes = ((tracks.n_tracks, "track"), (tracks.n_faces, "face"), (len(tracks.videos), "video"))
    people = [] if tracks.labels is None else [f"{len(set(tracks.labels.tolist())):,} people"]
    return ", ".join([*(counted(number, what) for number, what in sizes), *people])


def describe_epoch(record: EpochRecord) -> str:
    """Loss, radius, share of violated constraints and validation scores of an epoch, as far as it has them."""
    text = f"loss {record.loss:.4f}"
    if record.squared_radius is not None:
        text += f"  b {record.squared_radius:.4f}"
    if record.violated_similar is not None:
        text += f"  violated {record.violated_similar:.1%} own, {record.violated_dissimilar:.1%} other"
    if record.val_nmi is None:
        return text
    found = f"{counted(record.val_n_clusters or 0, 'cluster')} of {record.val_n_identities} people"
    scores = f"val NMI {record.val_nmi:.4f}  WCP {record.val_wcp:.4f}  {found}"
    return f"{text}  {scores}{'  best' if record.best else ''}"


def describe_threshold(model: EmbeddingModel) -> str:
    """Where the clusters of a model are cut."""
    if model.stored_threshold is None:
        return f"b = {model.squared_radius:.4f}, clusters are cut at 4 b = {model.distance_threshold:.4f}"
    return f"clusters are cut at {model.distance_threshold:.4f}, found on the validation tracks"


@contextmanager
def training_progress(epochs: int) -> Iterator[Progress]:
    """Show a training: a bar on a terminal, about twenty lines elsewhere."""
    if not sys.stderr.isatty():
        yield _Lines(epochs)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("epoch {task.fields[epoch]}/{task.total}"),
        BarColumn(bar_width=20),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[scores]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress, epochs)


@contextmanager
def clustering_progress() -> Iterator[OnProgress | None]:
    """Show a clustering as a bar that goes away at its end; nothing where standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[left]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1, left="")

        def show(progress: ClusteringProgress) -> None:
            bar.update(task, completed=progress.share, description=_doing(progress), left=_left(progress))

        yield show


def _doing(progress: ClusteringProgress) -> str:
    if progress.stage == "done":
        return counted(progress.n_clusters, "cluster")
    what = "comparing" if progress.stage == "pairs" else "merging"
    return f"{what} {counted(progress.n_clusters, 'cluster')}"


def _left(progress: ClusteringProgress) -> str:
    if progress.share < LEAST_SHARE:
        return ""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    return f"{minutes}:{seconds:02} left"


class _Lines:
    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._interval = -(-epochs // LINES_OF_PROGRESS)

    def on_epoch(self, record: EpochRecord) -> None:
        if record.epoch in (1, self._epochs) or record.epoch % self._interval == 0:
            say(f"epoch {record.epoch:>{len(str(self._epochs))}}/{self._epochs}  {describe_epoch(record)}")

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        pass


class _Bar:
    def __init__(self, progress: Any, epochs: int) -> None:
        self._progress = progress
        self._task = progress.add_task("train", total=epochs, epoch=1, scores="")

    def on_epoch(self, record: EpochRecord) -> None:
        self._progress.update(self._task, completed=record.epoch, scores=describe_epoch(record))

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        self._progress.update(self._task, completed=epoch - 1 + batch / n_batches, epoch=epoch)


def print_scores(rows: Sequence[EvaluationRow], raw_rows: Sequence[EvaluationRow] | None, *, form: str) -> None:
    """Print scores, and those of the raw features if given, as a ``table``, ``json`` or ``csv``."""
    if form == "table":
        print_table(scores_table(rows, raw_rows))
        return
    records = [{"method": "bcl", **row._asdict()} for row in rows]
    records += [{"method": "raw", **row._asdict()} for row in raw_rows or ()]
    if form == "json":
        typer.echo(json.dumps(records, indent=2))
    else:
        writer = csv.DictWriter(sys.stdout, records[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def scores_table(rows: Sequence[EvaluationRow], raw_rows: Sequence[EvaluationRow] | None = None) -> Table:
    """Lay out scores per video; those of the raw features, told the number of people, beside them if given."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    notes = []
    with_pairs = any(row.n_cannot_link for row in rows)
    if with_pairs:
        notes.append(
            "violated: pairs of tracks known to be two people that would share a cluster without the constraints; "
            f"{rows[-1].violated:,} do with them"
        )
    if raw_rows is not None:
        notes.append("raw: the features as they are, cut at the true number of people")
    table = Table(box=SIMPLE_HEAD, caption="\n".join(notes) or None, caption_justify="left")
    table.add_column("video")
    names = ["#tracks", "#people", "#clusters", "NMI", "WCP", *(["violated"] if with_pairs else [])]
    for name in (*names, *(("raw NMI", "raw WCP") if raw_rows else ())):
        table.add_column(name, justify="right")
    for place, row in enumerate(rows):
        cells = [row.video, f"{row.n_tracks:,}", f"{row.n_identities:,}", f"{row.n_clusters:,}", *_scores(row)]
        cells += [f"{row.violated_without:,} of {row.n_cannot_link:,}"] if with_pairs else []
        cells += _scores(raw_rows[place]) if raw_rows else []
        combined = len(rows) > 1 and place == len(rows) - 1
        table.add_row(*cells, style="bold" if combined else None, end_section=place == len(rows) - 2)
    return table


def _scores(row: EvaluationRow) -> list[str]:
    return [f"{row.nmi:.3f}", f"{row.wcp:.3f}"]


def print_growth(rows: Sequence[Growth]) -> None:
    """Print on standard error which clusters of a result grew, and which are new."""
    if not rows:
        say("no track is new")
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    hidden = rows[LINES_OF_GROWTH:]
    note = f"and {counted(len(hidden), 'cluster')} that {sum(row.n_added for row in hidden):,} tracks joined or opened"
    table = Table(box=SIMPLE_HEAD, caption=note if hidden else None, caption_justify="left")
    named = any(row.name for row in rows)
    for column in ("cluster", *(["name"] if named else []), "tracks before", "added"):
        table.add_column(column, justify="left" if column == "name" else "right")
    for row in rows[:LINES_OF_GROWTH]:
        before = f"{row.n_before:,}" if row.n_before else "new"
        table.add_row(str(row.cluster_id), *([row.name] if named else []), before, f"{row.n_added:,}")
    print_table(table, stderr=True)


def print_table(table: Table, *, stderr: bool = False) -> None:
    """Print a table on standard output or error, never cut short where that is not a terminal."""
    from rich.console import Console

    terminal = Console(stderr=stderr)
    console = terminal if terminal.is_terminal else Console(stderr=stderr, width=200)
    console.print(table)


def describe_installation() -> dict[str, str]:
    """Versions, the instruction set in use, threads and CUDA, by name."""
    import torch

    from bcl_fast import _core

    built = _core.cuda_version()
    names = ("numpy", "scipy", "scikit-learn", "torch", "pyarrow", "safetensors")
    return {
        "bcl_fast": version("bcl-fast"),
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in names),
        "SIMD": f"{_core.simd_path()} (this machine runs {', '.join(_core.simd_paths())}; BCL_SIMD chooses)",
        "threads": str(_core.default_threads()),
        "CUDA": "not built in" if built < 0 else f"built with {built // 1000}.{built % 1000 // 10}",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none that torch can use",
    }
