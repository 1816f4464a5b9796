"""Progress on standard error: bars on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from bcl_fast._utils.text import counted
from bcl_fast.cli._console import describe_epoch, say

if TYPE_CHECKING:
    from bcl_fast.cluster import Progress
    from bcl_fast.cluster._progress import OnProgress
    from bcl_fast.training import EpochRecord


LINES_OF_PROGRESS = 20  # of a training whose output is not a terminal
LEAST_SHARE = 0.02  # of a clustering, before which the time left is not worth saying


class TrainingProgress(Protocol):
    """What a training reports to."""

    def on_fold(self, done: int, n_folds: int) -> None:
        """Show how far the choosing is."""

    def on_start(self, n_epochs: int) -> None:
        """Take the number of epochs to come."""

    def on_epoch(self, record: EpochRecord) -> None:
        """Show the scores of an epoch."""

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        """Show how far an epoch is."""


@contextmanager
def training_progress(*, shown: bool = True) -> Iterator[TrainingProgress]:
    """Show a training: a bar on a terminal, about twenty lines elsewhere; nothing unless it is to be shown."""
    if not shown:
        yield _Silence()
        return
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description} {task.fields[number]}/{task.total}"),
        BarColumn(bar_width=20),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[scores]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress)


@contextmanager
def clustering_progress(*, is_shown: bool = True) -> Iterator[OnProgress | None]:
    """Show a clustering as a bar that goes away at its end; nothing where standard error is not a terminal."""
    if not (is_shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[left]}"),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1, left="")

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.share, description=_doing(progress), left=_left(progress))

        yield show


def _doing(progress: Progress) -> str:
    if progress.stage == "done":
        return counted(progress.n_clusters, "cluster")
    what = "comparing" if progress.stage == "pairs" else "merging"
    return f"{what} {counted(progress.n_clusters, 'cluster')}"


def _left(progress: Progress) -> str:
    if progress.share < LEAST_SHARE:
        return ""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    return f"{minutes}:{seconds:02} left"


class _Silence:
    def on_fold(self, done: int, n_folds: int) -> None:
        pass

    def on_start(self, n_epochs: int) -> None:
        pass

    def on_epoch(self, record: EpochRecord) -> None:
        pass

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        pass


class _Lines:
    _epochs, _interval = 1, 1

    def on_fold(self, done: int, n_folds: int) -> None:
        if done in (1, n_folds):
            say(f"fold {done}/{n_folds}")

    def on_start(self, n_epochs: int) -> None:
        self._epochs, self._interval = n_epochs, max(1, -(-n_epochs // LINES_OF_PROGRESS))

    def on_epoch(self, record: EpochRecord) -> None:
        if record.epoch in (1, self._epochs) or record.epoch % self._interval == 0:
            say(f"epoch {record.epoch:>{len(str(self._epochs))}}/{self._epochs}  {describe_epoch(record)}")

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        pass


class _Bar:
    def __init__(self, progress: Any) -> None:
        self._progress = progress
        self._task = progress.add_task("fold", total=None, number=1, scores="")

    def on_fold(self, done: int, n_folds: int) -> None:
        self._progress.update(
            self._task, completed=done, total=n_folds, number=done, scores="choosing by people in folds"
        )

    def on_start(self, n_epochs: int) -> None:
        self._progress.update(self._task, description="epoch", completed=0, total=n_epochs, number=1, scores="")

    def on_epoch(self, record: EpochRecord) -> None:
        self._progress.update(self._task, completed=record.epoch, scores=describe_epoch(record))

    def on_batch(self, epoch: int, batch: int, n_batches: int) -> None:
        self._progress.update(self._task, completed=epoch - 1 + batch / n_batches, number=epoch)
