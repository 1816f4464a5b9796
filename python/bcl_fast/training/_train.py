"""Fit a head, and the ball radius or what else a loss trains, on labelled tracks."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bcl_fast._utils.devices import torch_device
from bcl_fast._utils.files import check_output
from bcl_fast.cluster._linkage import complete_linkage
from bcl_fast.cluster._threshold_for_count import fit_squared_radius, threshold_for_count
from bcl_fast.errors import InputError
from bcl_fast.evaluation._metrics import normalized_mutual_information, weighted_clustering_purity
from bcl_fast.losses._ball import BallLoss
from bcl_fast.models._heads import Head
from bcl_fast.models._model import EmbeddingModel, make_head
from bcl_fast.tracks._io import TrackSet
from bcl_fast.training._auto_recipe import choose_recipe
from bcl_fast.training._batches import make_batches
from bcl_fast.training._checkpoints import TrainingState, describe_data, restore_checkpoint, save_checkpoint
from bcl_fast.training._data import TrainingData, identity_codes
from bcl_fast.training._history import EpochRecord, HistoryLog, PathLike
from bcl_fast.training._loss import make_loss
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._step import Steps

__all__ = ["EpochRecord", "Recipe", "TrainingResult", "train"]

OnEpoch = Callable[[EpochRecord], object]
OnBatch = Callable[[int, int, int], object]


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
    **options: Any,
) -> TrainingResult:
    """Train a head and its squared radius with the ball loss, or a head with another loss.

    An epoch is one random permutation of the tracks cut into batches of ``batch_size``; the last batch is filled up
    from the start of the permutation, so that no batch is small. A batch holds one random face of each of its tracks.
    After an epoch the mean features of the validation tracks are embedded and clustered at ``4 b``, or at the threshold
    that gives their true number of clusters (`Recipe.threshold`).

    Parameters
    ----------
    tracks, val : TrackSet
        Labelled tracks to train on, and to choose the best epoch with; best of people who are not trained on.
    recipe : Recipe, optional
        Every number of the training; what ``head="auto"`` stands for is in the model's recipe.
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
    **options
        Fields of the recipe to replace, such as ``epochs=10``.

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
    recipe, _ = choose_recipe(replace(recipe or Recipe(), **options), tracks)
    trainer = _Trainer(tracks, val, recipe, torch_device(device))
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


def _found_checkpoint(checkpoint: PathLike | None, resume: bool, force: bool) -> bool:
    if checkpoint is None:
        if resume:
            raise InputError("resume wants the checkpoint to go on from, got none")
        return False
    target = check_output(checkpoint, force=force or resume)
    return resume and target.exists()


class _Trainer:
    """The parts of a run that stay, and the state that changes."""

    def __init__(self, tracks: TrackSet, val: TrackSet | None, recipe: Recipe, device: torch.device) -> None:
        if device.type != "cpu" and recipe.loss != "ball":
            raise InputError(f"a GPU trains with the ball loss alone, got the loss {recipe.loss!r}: use device 'cpu'")
        self.recipe = recipe
        self.device = device
        self.data = TrainingData(tracks, recipe.input_scale)
        if val is not None and val.n_features != tracks.n_features:
            wanted = f"the {tracks.n_features} dimensions of the training features"
            raise InputError(f"the validation features must have {wanted}, got {val.n_features}")
        if val is None and recipe.stops_at == "validation":
            cure = "give labelled tracks of other people, or the threshold 'radius'"
            raise InputError(f"a threshold from the validation tracks wants some, got none: {cure}")
        self.validation = None if val is None else _Validation(val)
        self.state = self._start()
        self.batches = make_batches(self.data, recipe.faces, device)
        self.steps = Steps(self.state, self._embed, self.batches, device)

    def _start(self) -> TrainingState:
        recipe = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            head = make_head(recipe.head, self.data.tracks.n_features, recipe.dimensions)
            loss = make_loss(recipe, self.data.n_identities, head.dimensions[-1])
        head.to(self.device)
        loss.to(self.device)
        weights = [parameter for parameter in loss.parameters() if parameter.ndim > 0]  # a classifier's
        groups = [
            {"params": [*head.parameters(), *weights], "weight_decay": recipe.weight_decay},
            {"params": [number for number in loss.parameters() if number.ndim == 0], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
        return TrainingState(head, loss, optimizer, np.random.default_rng(recipe.seed))

    def run_epoch(self, epoch: int, on_batch: OnBatch | None) -> EpochRecord:
        """Train for one epoch, validate, and keep the weights if they are the best so far."""
        fitted = self._fit(epoch, on_batch)
        start = time.perf_counter()
        stop, scores = self._validate(epoch)
        record = EpochRecord(
            epoch,
            **fitted,
            squared_radius=stop.squared_radius,
            distance_threshold=stop.distance_threshold,
            learning_rate=self.recipe.learning_rate_at(epoch),
            validation_seconds=time.perf_counter() - start,
            best=self._is_best(scores),
            **scores,
        )
        self._keep(record)
        return record

    def _fit(self, epoch: int, on_batch: OnBatch | None) -> dict[str, Any]:
        """Take a step per batch; return the means of the loss terms and the seconds."""
        self.state.head.train()
        rate, data_seconds = self.recipe.learning_rate_at(epoch), 0.0
        rates = (rate, rate * self.recipe.radius_learning_rate_factor)
        start = time.perf_counter()
        with self.steps.epoch(rates, numbers_learn=epoch > self.recipe.radius_freeze_epochs):
            n_batches = self.batches.begin(self.state.rng, self.recipe.batch_size)
            data_seconds += time.perf_counter() - start
            for number in range(n_batches):
                fetching = time.perf_counter()
                self.batches.fetch(number)
                data_seconds += time.perf_counter() - fetching
                self.steps.run()
                if on_batch is not None:
                    on_batch(epoch, number + 1, n_batches)
        means = self.steps.means(n_batches)
        step_seconds = time.perf_counter() - start - data_seconds
        self._check_converging(epoch, means["loss"])
        return {**means, "data_seconds": data_seconds, "step_seconds": step_seconds}

    def _check_converging(self, epoch: int, loss: float) -> None:
        if not np.isfinite(loss) or not all(bool(torch.isfinite(p).all()) for p in self.state.head.parameters()):
            cure = f"choose a learning_rate below {self.recipe.learning_rate}"
            raise InputError(f"the loss or a weight is no longer finite in epoch {epoch}: {cure}")

    def _embed(self, faces: Tensor) -> Tensor:
        return self.state.head(faces) if self.recipe.normalized else self.state.head.project(faces)

    def _validate(self, epoch: int) -> tuple[_Stop, dict[str, Any]]:
        """Find where clusters are cut after this epoch, as far as it asks for that, and score the validation tracks."""
        due = epoch % self.recipe.validation_interval == 0 or epoch == self.recipe.epochs
        if self.validation is None or not due:
            return _Stop(self._learned_radius()), {}
        model = self._model(self.state.head, _Stop(self._learned_radius()))
        embeddings = model.embed_tracks(self.validation.tracks)
        if self.recipe.stops_at == "validation":
            stop = _Stop(self._learned_radius(), threshold_for_count(embeddings, self.validation.n_identities))
        else:
            stop = _Stop(self._squared_radius(model))
        assert stop.distance_threshold is not None
        return stop, self.validation.scores(embeddings, stop.distance_threshold)

    def _is_best(self, scores: dict[str, Any]) -> bool:
        if self.validation is None:
            return True
        before = [record.val_nmi for record in self.state.history if record.val_nmi is not None]
        return bool(scores) and scores["val_nmi"] > max(before, default=-1.0)

    def _keep(self, record: EpochRecord) -> None:
        self.state.history.append(record)
        if record.best:
            self.state.best_weights = copy.deepcopy(self.state.head.state_dict())
            self.state.best_squared_radius = record.squared_radius
            self.state.best_threshold = None if self.recipe.stops_at == "radius" else record.distance_threshold
            self.state.best_epoch = record.epoch

    def _learned_radius(self) -> float | None:
        """Return the squared radius that the loss has learned, if it is the ball loss."""
        loss = self.state.loss
        return float(loss.squared_radius.detach()) if isinstance(loss, BallLoss) else None

    def _squared_radius(self, model: EmbeddingModel) -> float:
        """Return the squared radius that the loss has learned, or else the one that suits the training tracks best."""
        learned = self._learned_radius()
        if learned is not None:
            return learned
        return fit_squared_radius(
            model.embed_tracks(self.data.tracks),
            self.data.codes,
            alpha=self.recipe.alpha,
            margin=self.recipe.margin,
            space=self.recipe.space if self.recipe.normalized else "euclidean",
        )

    def _model(self, head: Head, stop: _Stop) -> EmbeddingModel:
        return EmbeddingModel(
            head,
            self.recipe.head,
            self.data.input_scale,
            math.nan if stop.squared_radius is None else stop.squared_radius,
            self.recipe.as_dict(),
            normalize=self.recipe.normalized,
            stored_threshold=stop.stored_threshold,
        )

    def best_model(self) -> EmbeddingModel:
        """Return the model of the best epoch so far, apart from the state."""
        head = copy.deepcopy(self.state.head)
        head.load_state_dict(self.state.best_weights)
        model = self._model(head.cpu().eval(), _Stop(self.state.best_squared_radius, self.state.best_threshold))
        if self.state.best_squared_radius is None:
            model.squared_radius = self._squared_radius(model)
        return model


class _Stop(NamedTuple):
    """Where clusters are cut, as far as an epoch has found out."""

    squared_radius: float | None
    stored_threshold: float | None = None

    @property
    def distance_threshold(self) -> float | None:
        if self.stored_threshold is None and self.squared_radius is not None:
            return 4 * self.squared_radius
        return self.stored_threshold


class _Validation:
    """Validation tracks, clustered as test tracks are."""

    def __init__(self, tracks: TrackSet) -> None:
        self.tracks = tracks
        self.codes = identity_codes(tracks, "validation")
        self.n_identities = int(self.codes.max()) + 1

    def scores(self, embeddings: NDArray[np.float32], distance_threshold: float) -> dict[str, Any]:
        clusters = complete_linkage(embeddings, distance_threshold)
        return {
            "val_nmi": normalized_mutual_information(self.codes, clusters.labels),
            "val_wcp": weighted_clustering_purity(self.codes, clusters.labels),
            "val_n_clusters": int(clusters.n_clusters),
            "val_n_identities": self.n_identities,
        }
