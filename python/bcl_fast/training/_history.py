"""What a training says about itself, epoch by epoch: records, JSON lines, TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bcl_fast._utils.files import atomic_output, check_output
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
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    InputError
        If the file exists and ``force`` is false, cannot be written, or TensorBoard is not installed.
    """

    def __init__(
        self,
        path: PathLike | None,
        tensorboard: PathLike | None,
        before: Sequence[EpochRecord],
        comparison: Comparison | None = None,
        *,
        force: bool,
    ) -> None:
        self._path = None if path is None else check_output(path, force=force)
        self._board = None if tensorboard is None else _open_tensorboard(tensorboard, first_epoch=len(before) + 1)
        if self._path is not None:
            with atomic_output(self._path, force=force) as temporary:
                temporary.write_text(_lines(comparison, before), encoding="utf-8")

    def write(self, record: EpochRecord) -> None:
        """Append one record."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(record.as_json() + "\n")
        if self._board is not None:
            for name, value in asdict(record).items():
                if name not in ("epoch", "best") and value is not None:
                    self._board.add_scalar(name, value, record.epoch)
            self._board.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        if self._board is not None:
            self._board.close()


def _lines(comparison: Comparison | None, records: Sequence[EpochRecord]) -> str:
    compared = [] if comparison is None else [json.dumps({"epoch": 0, "compared": comparison.as_dict()})]
    return "".join(line + "\n" for line in [*compared, *(record.as_json() for record in records)])


def _open_tensorboard(folder: PathLike, first_epoch: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError("TensorBoard is not installed: pip install 'bcl-fast[tensorboard]'") from error
    try:
        os.fspath(folder).encode()
    except UnicodeEncodeError:
        raise InputError(f"the folder of TensorBoard must have a name in UTF-8, got {os.fspath(folder)!r}") from None
    return SummaryWriter(Path(folder), purge_step=first_epoch)
