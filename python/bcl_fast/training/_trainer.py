"""A training epoch by epoch."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bcl_fast._utils.process_group import ALONE, Processes
from bcl_fast.cluster import threshold_for_count
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.errors import InputError
from bcl_fast.losses import BallLoss, fit_squared_radius
from bcl_fast.models import Embedding, EmbeddingModel
from bcl_fast.models._heads import Head, make_head
from bcl_fast.tracks import TrackSet
from bcl_fast.training._batches import make_batches
from bcl_fast.training._data import TrainingData
from bcl_fast.training._history import EpochRecord
from bcl_fast.training._loss import make_loss
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._state import TrainingState
from bcl_fast.training._step import Steps
from bcl_fast.training._validation import Stop, Validation

OnEpoch = Callable[[EpochRecord], object]
OnBatch = Callable[[int, int, int], object]


class Trainer:
    """The parts of a run that stay, and the state that changes.

    Several processes have a part of each batch each, and the same state; the first of them validates.
    """

    def __init__(
        self,
        tracks: TrackSet,
        val: TrackSet | None,
        recipe: Recipe,
        device: torch.device,
        processes: Processes = ALONE,
    ) -> None:
        if device.type != "cpu" and recipe.loss != "ball":
            raise InputError(f"a GPU trains with the ball loss alone, got the loss {recipe.loss!r}: use device 'cpu'")
        self.processes = processes
        if processes.size > 1 and recipe.loss != "ball":
            cure = "train in one process, or with the threshold 'cross-fit'"
            raise InputError(f"several processes share batches with the ball loss alone, got {recipe.loss!r}: {cure}")
        self.recipe = recipe
        self.linkage: LinkageName = recipe.linkage or "complete"
        self.n_epochs = recipe.epochs_of(tracks.n_tracks)
        self.device = device
        self.data = TrainingData(tracks, recipe.input_scale, processes)
        if val is not None and val.n_features != tracks.n_features:
            wanted = f"the {tracks.n_features} dimensions of the training features"
            raise InputError(f"the validation features must have {wanted}, got {val.n_features}")
        if val is None and recipe.stops_at == "validation":
            cure = "give labelled tracks of other people, or the threshold 'radius'"
            raise InputError(f"a threshold from the validation tracks wants some, got none: {cure}")
        self.validation = None if val is None else Validation(val, self.linkage)
        self.state = self._start()
        self.batches = make_batches(self.data, recipe.faces, device)
        self.steps = Steps(self.state, self._embed, self.batches, device, processes)

    def _start(self) -> TrainingState:
        recipe = self.recipe
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            head = make_head(recipe.head, self.data.tracks.n_features, recipe.dimensions)
            loss = make_loss(recipe, self.data.n_identities, head.dimensions[-1], self.processes)
        head.to(self.device)
        loss.to(self.device)
        weights = [parameter for parameter in loss.parameters() if parameter.ndim > 0]  # a classifier's
        groups = [
            {"params": [*head.parameters(), *weights], "weight_decay": recipe.weight_decay},
            {"params": [number for number in loss.parameters() if number.ndim == 0], "weight_decay": 0.0},
        ]
        optimizer: torch.optim.Optimizer
        if recipe.optimizer == "adam":
            on_gpu = self.device.type != "cpu"  # where a captured step counts on the device
            optimizer = torch.optim.Adam(groups, lr=recipe.learning_rate, capturable=on_gpu)
        else:
            optimizer = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum)
        return TrainingState(head, loss, optimizer, np.random.default_rng(recipe.seed))

    def run_epoch(self, epoch: int, on_batch: OnBatch | None) -> EpochRecord:
        """Train for one epoch, validate, and keep the weights if they are the best so far."""
        fitted = self._fit(epoch, on_batch)
        start = time.perf_counter()
        stop, scores = self._validate_once(epoch)
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

    def embeddings_after(self, steps: Sequence[int]) -> list[Embedding]:
        """Train without validation; return the embedding after each of so many steps in all, which ascend."""
        kept: list[Embedding] = []
        done = 0

        def keep_if_due(*_: int) -> None:
            nonlocal done
            done += 1
            if done in steps:
                kept.append(copy.deepcopy(self.embedding()))

        for epoch in count(1):
            self._fit(epoch, keep_if_due, steps[-1] - done)
            if done == steps[-1]:
                break
        return kept

    def _fit(self, epoch: int, on_batch: OnBatch | None, most: int | None = None) -> dict[str, Any]:
        """Take a step per batch, but no more than ``most``; return the means of the loss terms and the seconds."""
        self.state.head.train()
        rate, data_seconds = self.recipe.learning_rate_at(epoch), 0.0
        rates = (rate, rate * self.recipe.radius_rate_factor)
        start = time.perf_counter()
        learn = epoch > self.recipe.radius_freeze_epochs and self.recipe.radius_rate_factor > 0
        with self.steps.epoch(rates, numbers_learn=learn):
            n_batches = self.batches.begin(self.state.rng, self.recipe.batch_size)
            n_batches = n_batches if most is None else min(n_batches, most)
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

    def _validate_once(self, epoch: int) -> tuple[Stop, dict[str, Any]]:
        """Let the first process validate, and tell the others."""
        found: tuple[Stop, dict[str, Any]] | None = None
        with self.processes.together():
            if self.processes.writes:
                found = self._validate(epoch)
        found = self.processes.of_first(found)
        assert found is not None
        return found

    def _validate(self, epoch: int) -> tuple[Stop, dict[str, Any]]:
        """Find where clusters are cut after this epoch, as far as it asks for that, and score the validation tracks."""
        due = epoch % self.recipe.validation_interval == 0 or epoch == self.n_epochs
        if self.validation is None or not due:
            return Stop(self._learned_radius(), self.linkage), {}
        embedding = self.embedding()
        embeddings = embedding.embed_tracks(self.validation.tracks)
        if self.recipe.stops_at == "validation":
            cut = threshold_for_count(embeddings, self.validation.n_identities, self.linkage)
            stop = Stop(self._learned_radius(), self.linkage, cut)
        else:
            stop = Stop(self._squared_radius(embedding), self.linkage)
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

    def _squared_radius(self, embedding: Embedding) -> float:
        """Return the squared radius that the loss has learned, or else the one that suits the training tracks best."""
        learned = self._learned_radius()
        if learned is not None:
            return learned
        return fit_squared_radius(
            embedding.embed_tracks(self.data.tracks),
            self.data.codes,
            alpha=self.recipe.alpha,
            margin=self.recipe.margin,
            space=self.recipe.space if self.recipe.normalized else "euclidean",
        )

    def embedding(self, head: Head | None = None) -> Embedding:
        """Return the embedding of a head, by default the one in training."""
        head = self.state.head if head is None else head
        return Embedding(head, self.recipe.head, self.data.input_scale, normalize=self.recipe.normalized)

    def best_model(self) -> EmbeddingModel:
        """Return the model of the best epoch so far, apart from the state."""
        head = copy.deepcopy(self.state.head)
        head.load_state_dict(self.state.best_weights)
        embedding = self.embedding(head.cpu().eval())
        radius = self.state.best_squared_radius
        return EmbeddingModel(
            embedding.head,
            embedding.head_kind,
            embedding.input_scale,
            self._squared_radius(embedding) if radius is None else radius,
            recipe=self.recipe.as_dict(),
            stored_threshold=self.state.best_threshold,
            linkage=self.linkage,
            normalize=embedding.normalize,
        )
