"""Fit a head, and the ball radius or what else a loss trains, on labelled tracks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcl_fast._utils.devices import torch_device
from bcl_fast._utils.extras import require
from bcl_fast._utils.files import check_folder, check_output
from bcl_fast._utils.locks import only_writer
from bcl_fast._utils.process_group import ALONE, Processes, group_name
from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.threads import one_thread_of_torch
from bcl_fast._utils.types import PathLike
from bcl_fast.cluster import radius_threshold
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel
from bcl_fast.tracks import TrackSet, describe_data, same_recognizer
from bcl_fast.training._checkpoints import comparison_of, read_checkpoint, restore_checkpoint, save_checkpoint
from bcl_fast.training._comparison import Comparison
from bcl_fast.training._cross_fit import OnFold, cross_fit
from bcl_fast.training._data import TrainingData, check_not_alike, check_seen_twice, identity_codes
from bcl_fast.training._folds import everybody
from bcl_fast.training._history import EpochRecord, HistoryLog
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._trainer import OnBatch, OnEpoch, Trainer
from bcl_fast.training._untrained import untrained

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

OnStart = Callable[[int], object]

NOBODY_APART = "the features tell nobody apart: at best the people in each fold are one cluster (NMI 0)"


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What `train` returns.

    Attributes
    ----------
    model : EmbeddingModel
        What was chosen by people in folds, trained on everybody; without a comparison the best epoch by validation NMI,
        or the last one without validation tracks.
    history : list of EpochRecord
        One record per epoch of that training; empty where the features as they are were chosen.
    best_epoch : int
        The epoch of ``model``, counted from 1; 0 where nothing was trained.
    comparison : Comparison or None
        What was compared, with scores; None where the recipe's threshold is not by cross-fit.
    """

    model: EmbeddingModel
    history: list[EpochRecord]
    best_epoch: int
    comparison: Comparison | None = None


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
    on_fold: OnFold | None = None,
    on_start: OnStart | None = None,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    device: str = "cpu",
    process_group: ProcessGroup | str | None = None,
) -> TrainingResult:
    """Train a head with the ball loss, or another, and find out where to cut.

    The people are split into folds; each is clustered by a head trained on the others, after several epochs, by average
    and complete linkage, at every threshold. What scores best over all folds is trained on everybody, for as many
    epochs, and where nothing is surely better than the features as they are, those are the model. With `Recipe.paper`
    there are no folds: after each epoch the validation tracks are clustered at ``4 b``, or at the threshold that gives
    their true number of clusters (`Recipe.threshold`), and the best epoch is kept.

    Several processes (``process_group``) train one head together. Folds are dealt to them, so the result has the same
    bits for any number of processes. Without folds each has a part of every batch, and the loss is that of the whole
    batch: the result is the same but for rounding. The first process validates and writes the files.

    An epoch is one random permutation of the tracks cut into batches of ``batch_size``; the last batch is filled up
    from the start of the permutation, so that no batch is small. A batch holds one random face of each of its tracks.

    Parameters
    ----------
    tracks, val : TrackSet
        Labelled tracks to train on, and more people who join the folds (`Recipe.validation`), or to choose the best
        epoch with. Tracks without a label are left out, which a warning says.
    recipe : Recipe, optional
        Every number of the training, such as ``Recipe(steps=1000)`` or ``Recipe.paper(epochs=10)``.
    checkpoint : path-like, optional
        File that holds the whole state after each epoch, written atomically.
    resume : bool, default=False
        Go on from ``checkpoint`` if it exists; the result has the same bits as that of an uninterrupted run.
    history : path-like, optional
        File of JSON lines, one `EpochRecord` each; before them what was compared, as epoch 0.
    tensorboard : path-like, optional
        Folder for TensorBoard.
    force : bool, default=False
        Replace a checkpoint or history that exists; ``resume`` alone replaces only those of the same run.
    on_fold : callable, optional
        Called with the number of folds done and of all.
    on_start : callable, optional
        Called with the number of epochs of the training on everybody, once it is known: 0 where nothing is trained.
    on_epoch : callable, optional
        Called with the `EpochRecord` after each epoch, when all files are written.
    on_batch : callable, optional
        Called with epoch, batch (both counted from 1) and the number of batches after each batch.
    device : str, default="cpu"
        ``"cuda"`` or ``"cuda:<number>"`` trains on a GPU, from the same batches and faces.
    process_group : ProcessGroup or "world", optional
        A group of ``torch.distributed``, whose processes all call this with the same tracks and recipe; each gets the
        result. What one process raises ends all, in the middle of an epoch too; then the group is of no more use.

    Returns
    -------
    result : TrainingResult

    Raises
    ------
    InputError
        If labels are missing, there are too few identities for folds, the threshold wants validation tracks and there
        are none, there are fewer than two tracks or identities, a face is not finite or zero, all faces are alike,
        dimensions disagree, the device cannot be used, an output exists, two outputs are one file, another run writes
        them, the checkpoint belongs to other data or another recipe, processes differ in tracks or recipe, another
        process failed, or the loss diverges.
    """
    processes = Processes(group_name(process_group))
    with ExitStack() as held:
        held.enter_context(processes.ending_together())
        with processes.together():
            if not processes.writes:
                checkpoint = history = tensorboard = None
            _check_files(checkpoint, history, tensorboard, resume=resume and processes.writes, force=force)
            recipe = recipe or Recipe()
            tracks, val = _labelled_parts(tracks, val, recipe)
            recognizer = same_recognizer(
                [tracks.recognizer, None if val is None else val.recognizer], ["training", "validation"]
            )
            place, data = torch_device(device), describe_data(tracks, val)
            held.enter_context(only_writer(checkpoint, history))
            _check_outputs(checkpoint, history, force=force or resume)  # another run may have written them meanwhile
            saved = _saved(checkpoint) if resume else None
        processes.check_alike("recipe", recipe.as_dict())
        processes.check_alike("set of tracks", data)
        saved, comparison = processes.of_first(saved), None
        if recipe.stops_at == "cross-fit":
            found = comparison_of(saved) if saved else None
            comparison = found or cross_fit(tracks, val, recipe, place, on_fold, processes)
            if round(comparison.chosen.nmi, 3) == 0:
                warnings.warn(NOBODY_APART, stacklevel=2)
            tracks, val = everybody(tracks, val, recipe), None
        sharing = processes if comparison is None else ALONE  # what was chosen is trained alike in all processes
        training = Trainer(tracks, val, _final(recipe, comparison), place, sharing)
        state = training.state
        if saved is not None:
            restore_checkpoint(checkpoint or "of the first process", saved, state, recipe, data)
        n_epochs = training.n_epochs if comparison is None else comparison.chosen.epochs
        threads = nullcontext() if comparison is None or place.type != "cpu" else one_thread_of_torch()
        with processes.together():
            if saved is None and checkpoint is not None and comparison is not None:
                save_checkpoint(checkpoint, state, recipe, data, comparison)
            log = HistoryLog(history, tensorboard, state.history, comparison, resume=resume, force=force)
        if on_start is not None:
            on_start(n_epochs)
        with threads, closing(log):
            for epoch in range(len(state.history) + 1, n_epochs + 1):
                record = training.run_epoch(epoch, on_batch)
                with processes.together():
                    log.write(record)
                    if checkpoint is not None:
                        save_checkpoint(checkpoint, state, recipe, data, comparison)
                    if on_epoch is not None:
                        on_epoch(record)
    model = training.best_model() if n_epochs else None
    if comparison is not None:
        model = _chosen(comparison, model, training.data, recipe)
    assert model is not None  # without a comparison there is an epoch or more
    model = replace(model, recognizer=recognizer)
    return TrainingResult(model, state.history, state.best_epoch, comparison)


def _final(recipe: Recipe, comparison: Comparison | None) -> Recipe:
    """Return the recipe of the training on everybody."""
    if comparison is None:
        return recipe
    return replace(recipe, epochs=max(1, comparison.chosen.epochs), linkage=comparison.chosen.linkage)


def _chosen(
    comparison: Comparison, trained: EmbeddingModel | None, data: TrainingData, recipe: Recipe
) -> EmbeddingModel:
    """Make the model that was chosen; its radius is the one that the threshold stands for."""
    chosen = comparison.chosen
    embedding = untrained(data)[chosen.head] if trained is None else trained
    return EmbeddingModel(
        embedding.head,
        embedding.head_kind,
        embedding.input_scale,
        squared_radius=chosen.distance_threshold / radius_threshold(1.0, chosen.linkage),
        recipe=recipe.as_dict(),
        stored_threshold=chosen.distance_threshold,
        linkage=chosen.linkage,
        neighbor_threshold=chosen.neighbor_threshold,
        compared=comparison.as_dict(),
        normalize=embedding.normalize,
    )


def _check_files(
    checkpoint: PathLike | None,
    history: PathLike | None,
    tensorboard: PathLike | None,
    *,
    resume: bool,
    force: bool,
) -> None:
    check_separate([checkpoint, history, tensorboard], [])
    if resume and checkpoint is None:
        raise InputError("resume wants the checkpoint to go on from, got none")
    _check_outputs(checkpoint, history, force=force or resume)
    if tensorboard is not None:
        require("a folder of TensorBoard", "tensorboard")
        check_folder(Path(tensorboard), force=force, parents=True)


def _saved(checkpoint: PathLike | None) -> dict[str, Any] | None:
    """Return the content of the checkpoint to go on from, if it is there."""
    return read_checkpoint(checkpoint) if checkpoint is not None and Path(checkpoint).exists() else None


def _labelled_parts(tracks: TrackSet, val: TrackSet | None, recipe: Recipe) -> tuple[TrackSet, TrackSet | None]:
    """Return the labelled tracks, or refuse those that nothing can be learned from."""
    in_folds = recipe.stops_at == "cross-fit"
    if val is not None:
        val = _labelled(val, "validation", joined=in_folds and recipe.validation == "join")
    tracks = _labelled(tracks, "training")
    if recipe.loss == "ball" and not in_folds:  # folds are checked with the people who join them
        check_seen_twice(tracks.label_codes()[0], "the ball loss")
    return tracks, val


def _labelled(tracks: TrackSet, part: str, *, joined: bool = False) -> TrackSet:
    identity_codes(tracks, part, joined=joined)  # which refuses tracks without labels, and of one identity
    labelled = tracks.labelled()
    if not joined:
        check_not_alike(labelled, part)
    n_left_out = tracks.n_tracks - labelled.n_tracks
    if n_left_out:
        what = f"{n_left_out:,} of {tracks.n_tracks:,} {part} tracks have no label: they are left out"
        warnings.warn(what, stacklevel=4)
    return labelled


def _check_outputs(*paths: PathLike | None, force: bool) -> None:
    for path in paths:
        if path is not None:
            check_output(path, force=force)
