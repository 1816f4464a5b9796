"""Fit a head, and the ball radius or what else a loss trains, on labelled tracks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from bcl_fast._utils.devices import torch_device
from bcl_fast._utils.files import check_output
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel
from bcl_fast.tracks import TrackSet, describe_data
from bcl_fast.training._auto_recipe import choose_recipe
from bcl_fast.training._checkpoints import restore_checkpoint, save_checkpoint
from bcl_fast.training._history import EpochRecord, HistoryLog
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._trainer import OnBatch, OnEpoch, Trainer


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What `train` returns.

    Attributes
    ----------
    model : EmbeddingModel
        The best epoch by validation NMI (the last one without validation tracks).
    history : list of EpochRecord
        One record per epoch.
    best_epoch : int
        The epoch of ``model``, counted from 1.
    """

    model: EmbeddingModel
    history: list[EpochRecord]
    best_epoch: int


def train(
    tracks: TrackSet,
    val: TrackSet | None = None,
    *,
    recipe: Recipe | None = None,
    checkpoint: PathLike | None = None,
    resume: bool = False,
    history: PathLike | None = None,
    tensorboard: PathLike | None = None,
    force: bool = False,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    device: str = "cpu",
) -> TrainingResult:
    """Train a head and its squared radius with the ball loss, or a head with another loss.

    An epoch is one random permutation of the tracks cut into batches of ``batch_size``; the last batch is filled up
    from the start of the permutation, so that no batch is small. A batch holds one random face of each of its tracks.
    After an epoch the mean features of the validation tracks are embedded and clustered at ``4 b``, or at the threshold
    that gives their true number of clusters (`Recipe.threshold`).

    Parameters
    ----------
    tracks, val : TrackSet
        Labelled tracks to train on, and to choose the best epoch with; best of people who are not trained on. Tracks
        without a label are left out, which a warning says.
    recipe : Recipe, optional
        Every number of the training, such as ``Recipe(epochs=10)``; what ``head="auto"`` stands for is in the
        model's recipe.
    checkpoint : path-like, optional
        File that holds the whole state after each epoch, written atomically.
    resume : bool, default=False
        Go on from ``checkpoint`` if it exists; the result has the same bits as that of an uninterrupted run.
    history : path-like, optional
        File of JSON lines, one `EpochRecord` each.
    tensorboard : path-like, optional
        Folder for TensorBoard.
    force : bool, default=False
        Replace a checkpoint or history that exists.
    on_epoch : callable, optional
        Called with the `EpochRecord` after each epoch, when all files are written.
    on_batch : callable, optional
        Called with epoch, batch (both counted from 1) and the number of batches after each batch.
    device : str, default="cpu"
        ``"cuda"`` or ``"cuda:<number>"`` trains on a GPU, from the same batches and faces.

    Returns
    -------
    result : TrainingResult

    Raises
    ------
    InputError
        If labels are missing, the threshold wants validation tracks and there are none, there are fewer than two tracks
        or identities, a face is not finite or zero, dimensions disagree, the device cannot be used, an output exists,
        the checkpoint belongs to other data or another recipe, or the loss diverges.
    """
    tracks, val = _labelled(tracks, "training"), None if val is None else _labelled(val, "validation")
    recipe, _ = choose_recipe(recipe or Recipe(), tracks)
    trainer = Trainer(tracks, val, recipe, torch_device(device))
    data = describe_data(tracks, val)
    if _found_checkpoint(checkpoint, resume, force):
        restore_checkpoint(str(checkpoint), trainer.state, recipe, data)
    state = trainer.state
    log = HistoryLog(history, tensorboard, state.history, force=force or resume)
    try:
        for epoch in range(len(state.history) + 1, recipe.epochs + 1):
            record = trainer.run_epoch(epoch, on_batch)
            log.write(record)
            if checkpoint is not None:
                save_checkpoint(checkpoint, state, recipe, data)
            if on_epoch is not None:
                on_epoch(record)
    finally:
        log.close()
    return TrainingResult(trainer.best_model(), state.history, state.best_epoch)


def _labelled(tracks: TrackSet, part: str) -> TrackSet:
    if tracks.labels is None:
        return tracks  # which is refused where its labels are looked at
    labelled = tracks.labelled()
    n_left_out = tracks.n_tracks - labelled.n_tracks
    if n_left_out:
        what = f"{n_left_out:,} of {tracks.n_tracks:,} {part} tracks have no label: they are left out"
        warnings.warn(what, stacklevel=3)
    return labelled


def _found_checkpoint(checkpoint: PathLike | None, resume: bool, force: bool) -> bool:
    if checkpoint is None:
        if resume:
            raise InputError("resume wants the checkpoint to go on from, got none")
        return False
    target = check_output(checkpoint, force=force or resume)
    return resume and target.exists()
