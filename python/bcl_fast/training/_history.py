"""What a training says about itself, epoch by epoch: records, JSON lines, TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bcl_fast._utils.files import atomic_output, naming
from bcl_fast._utils.locks import is_stream
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.training._comparison import Comparison


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training.

    Attributes
    ----------
    epoch : int
        Counted from 1.
    loss : float
        Mean over the batches.
    similar, dissimilar : float or None
        The two parts of the ball loss, before ``alpha`` weighs the first; None for other losses.
    violated_similar, violated_dissimilar : float or None
        Share of faces outside their own ball, and of faces closer to another ball than the ball loss wants.
    squared_radius : float or None
        ``b`` at the end of the epoch, where the loss learns it or clusters are cut at ``4 b``.
    distance_threshold : float or None
        Squared distance at which clusters are cut; None where that takes a validation which the epoch has not had.
    learning_rate : float
        Of the head.
    data_seconds, step_seconds, validation_seconds : float
        Drawing batches; forward, backward and update; clustering the validation tracks.
    val_nmi, val_wcp, val_n_clusters, val_n_identities : float or int or None
        Scores of the validation tracks cut at ``distance_threshold``; None in epochs without validation.
    best : bool
        Whether no epoch before had a better ``val_nmi``.
    """

    epoch: int
    loss: float
    learning_rate: float
    data_seconds: float
    step_seconds: float
    validation_seconds: float
    similar: float | None = None
    dissimilar: float | None = None
    violated_similar: float | None = None
    violated_dissimilar: float | None = None
    squared_radius: float | None = None
    distance_threshold: float | None = None
    val_nmi: float | None = None
    val_wcp: float | None = None
    val_n_clusters: int | None = None
    val_n_identities: int | None = None
    best: bool = False

    def as_json(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self))


class HistoryLog:
    """Writes records as they come: a line of JSON each, and TensorBoard scalars if asked.

    Parameters
    ----------
    path : path-like or None
        File of JSON lines; each line is on disk before training goes on.
    tensorboard : path-like or None
        Folder of TensorBoard's event files.
    before : sequence of EpochRecord
        Epochs of the run that is resumed; the file starts with them.
    comparison : Comparison, optional
        What was compared before the first epoch: a line of its own, the first.
    resume : bool
        Whether an existing file is replaced that is the history of the same run: of these epochs, and of one more where
        the run was killed between its record and its checkpoint.
    force : bool
        Whether any existing file is replaced.

    Raises
    ------
    InputError
        If the file exists and may not be replaced, or cannot be written.
    """

    def __init__(
        self,
        path: PathLike | None,
        tensorboard: PathLike | None,
        before: Sequence[EpochRecord],
        comparison: Comparison | None = None,
        *,
        resume: bool = False,
        force: bool = False,
    ) -> None:
        first = _lines(comparison, before)
        if path is not None and resume and not force:
            _check_history(Path(path), first)
        self._board = None if tensorboard is None else _open_tensorboard(tensorboard, first_epoch=len(before) + 1)
        self._lines: IO[str] | None = None
        if path is not None:
            with ExitStack() as failed:
                failed.callback(self.close)
                self._lines = _start_lines(path, first, force=force or resume)
                failed.pop_all()

    def write(self, record: EpochRecord) -> None:
        """Append one record."""
        if self._lines is not None:
            with naming(self._lines.name):
                self._lines.write(record.as_json() + "\n")
                self._lines.flush()
        if self._board is not None:
            for name, value in asdict(record).items():
                if name not in ("epoch", "best") and value is not None:
                    self._board.add_scalar(name, value, record.epoch)
            self._board.flush()

    def close(self) -> None:
        """Close the files."""
        if self._lines is not None:
            with naming(self._lines.name):  # writes again what a full disk did not take
                self._lines.close()
        if self._board is not None:
            self._board.close()


def _lines(comparison: Comparison | None, records: Sequence[EpochRecord]) -> str:
    compared = [] if comparison is None else [json.dumps({"epoch": 0, "compared": comparison.as_dict()})]
    return "".join(line + "\n" for line in [*compared, *(record.as_json() for record in records)])


def _start_lines(path: PathLike, lines: str, *, force: bool) -> IO[str]:
    """Open a file whose first lines these are; it stays open, as a closed pipe tells its reader the end."""
    if not is_stream(path):
        with atomic_output(path, force=force) as temporary:
            temporary.write_text(lines, encoding="utf-8")
        return Path(path).open("a", encoding="utf-8")
    stream = Path(path).open("w", encoding="utf-8")  # noqa: SIM115 (HistoryLog closes it)
    stream.write(lines)
    return stream


def _check_history(path: Path, first: str) -> None:
    """Check that a file is missing, or a history whose first lines these are.

    A kill may leave one more, or half of it; when the power goes, the last lines may be lost that the checkpoint knows.
    """
    if is_stream(path) or not path.exists():
        return
    found = path.read_bytes()
    known = first.encode()
    more = found[len(known) :].splitlines(keepends=True)
    is_known = found.startswith(known) and len(more) < 2 and all(map(_is_record_or_its_start, more))
    if not is_known and not (b"\n" in found and known.startswith(found)):
        raise InputError(
            f"the history {path} is not that of the run that is resumed: choose another name or pass --force to "
            "replace it"
        )


def _is_record_or_its_start(line: bytes) -> bool:
    start = b'{"epoch": '
    return line.startswith(start) or (start.startswith(line) and not line.endswith(b"\n"))


def _open_tensorboard(folder: PathLike, first_epoch: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    try:
        os.fspath(folder).encode()
    except UnicodeEncodeError:
        raise InputError(f"the folder of TensorBoard must have a name in UTF-8, got {os.fspath(folder)!r}") from None
    return SummaryWriter(Path(folder), purge_step=first_epoch)
