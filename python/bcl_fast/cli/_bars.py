"""Progress on standard error: bars on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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
def training_progress(*, is_shown: bool = True) -> Iterator[TrainingProgress]:
    """Show a training: a bar on a terminal, about twenty lines elsewhere; nothing unless it is to be shown."""
    if not is_shown:
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
    with passing_bar() as move:

        def show(progress: Progress) -> None:
            move(progress.share, 1, _doing(progress), f"{100 * progress.share:>3.0f} %  {_left(progress)}")

        yield show


@contextmanager
def passing_bar() -> Iterator[Callable[[float, float | None, str, str], None]]:
    """Show a bar that goes away at its end; yields what moves it: how much is done, of what, and words around it."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, said="")

        def move(done: float, total: float | None, what: str, said: str) -> None:
            bar.update(task, completed=done, total=total, description=what, said=said)

        yield move


def time_left(seconds: float) -> str:
    """Say how long something will go on."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02} left"


def _doing(progress: Progress) -> str:
    if progress.stage == "done":
        return counted(progress.n_clusters, "cluster")
    what = "comparing" if progress.stage == "pairs" else "merging"
    return f"{what} {counted(progress.n_clusters, 'cluster')}"


def _left(progress: Progress) -> str:
    return "" if progress.share < LEAST_SHARE else time_left(progress.seconds_left)


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
