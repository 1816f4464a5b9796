"""Adapt a trained head to videos without labels, by pairs that the videos themselves tell.

Faces of one track are one person; two tracks on screen together are two (Tapaswi et al., ICCV 2019, Table 5, rows
25-27). Tracks are the classes of the ball loss, and only tracks known to be two people push each other away.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from bcl_fast.cluster import radius_threshold
from bcl_fast.errors import InputError
from bcl_fast.finetuning._data import Batch, FinetuningData, HeldOut
from bcl_fast.finetuning._recipe import RADIUS_SCALES, FinetuningRecipe
from bcl_fast.losses import BallLoss, cannot_link_lists
from bcl_fast.models import EmbeddingModel
from bcl_fast.tracks import TrackPairs, TrackSet, automatic_pairs


@dataclass(frozen=True)
class FinetuningRecord:
    """One round of fine-tuning; round 0 is the model as it came, without a loss.

    Attributes
    ----------
    round : int
    loss : float or None
        Mean over the batches, without the proximal term.
    violated_must, violated_cannot : float
        Share of the faces of held-out tracks outside the ball around their track's centroid, and of the held-out pairs
        of tracks of two people within the threshold.
    squared_radius : float
        ``b`` at the end of the round.
    best : bool
        Whether no round before had a smaller loss of the held-out faces of a track, which are to be within the
        threshold, and of the pairs, which are to be beyond it; and the pairs lose less than at the start, by two
        standard errors.
    """

    round: int
    loss: float | None
    violated_must: float
    violated_cannot: float
    squared_radius: float
    best: bool


@dataclass(frozen=True, eq=False)
class FinetuningResult:
    """What `finetune` returns: the model of the best round (0: as it came), and a record per round."""

    model: EmbeddingModel
    history: list[FinetuningRecord]
    best_round: int


OnRound = Callable[[FinetuningRecord], object]


def finetune(
    model: EmbeddingModel,
    tracks: TrackSet,
    *,
    pairs: TrackPairs | None = None,
    recipe: FinetuningRecipe | None = None,
    on_round: OnRound | None = None,
) -> FinetuningResult:
    """Adapt a model to the tracks of one video or several, without labels.

    A batch holds faces of random tracks and of tracks that these cannot be one with. The ball loss takes tracks as
    classes and lets only those push each other away; faces of two people are pushed ``4 b`` apart pair by pair as well.

    Parameters
    ----------
    model : EmbeddingModel
        Left as it is.
    tracks : TrackSet
        Labels are not read.
    pairs : TrackPairs, optional
        What is known about the tracks; by default `bcl_fast.tracks.automatic_pairs`.
    recipe : FinetuningRecipe, optional
        Every number of the fine-tuning, such as ``FinetuningRecipe(rounds=6)``.
    on_round : callable, optional
        Called with the `FinetuningRecord` after each round.

    Returns
    -------
    result : FinetuningResult

    Raises
    ------
    InputError
        If no tracks are known to be two people, no track has two faces, dimensions disagree, the model's embeddings are
        not of unit norm, or the loss diverges.
    """
    model.check_takes(tracks)
    if not model.normalize:
        raise InputError("fine-tuning wants a model whose embeddings have unit norm, got one whose do not")
    unlabelled = replace(tracks, labels=None)
    known = automatic_pairs(unlabelled) if pairs is None else pairs
    return _Finetuner(model, unlabelled, known, recipe or FinetuningRecipe()).run(on_round)


class _Finetuner:
    def __init__(self, model: EmbeddingModel, tracks: TrackSet, pairs: TrackPairs, recipe: FinetuningRecipe) -> None:
        self.recipe = recipe
        self.start = model
        self.radius_scale = recipe.radius_scale or RADIUS_SCALES[model.linkage]
        self.rng = np.random.default_rng(recipe.seed)
        self.data = FinetuningData(tracks, pairs, recipe.held_out, self.rng)
        self.batches = self.data.batches(self.rng, recipe.batch_size, recipe.faces_per_track)
        self.head = copy.deepcopy(model.head)
        self.first_weights = [weight.detach().clone() for weight in self.head.parameters()]
        self.loss = self._make_loss()
        classes = torch.from_numpy(self.data.classes[self.data.cannot_link])
        self.lists = cannot_link_lists(classes, self.data.n_classes)
        weights = [*self.head.parameters(), *([self.loss.raw_radius] if recipe.learn_radius else [])]
        self.optimizer = torch.optim.SGD(weights, lr=recipe.learning_rate, momentum=recipe.momentum)

    def _make_loss(self) -> BallLoss:
        """Make the ball loss of tracks: balls of a smaller radius, as far apart as those of people."""
        b, scale = self.start.squared_radius, self.radius_scale
        loss = BallLoss(
            alpha=self.recipe.alpha,
            margin=self.recipe.margin + 9 * max(0.0, 1 - scale) * b,
            init_raw=math.log(math.expm1(scale * b)),
            num_classes=self.data.n_classes,
            check_finite=False,
            normalize=False,
        )
        loss.raw_radius.requires_grad_(self.recipe.learn_radius)
        return loss

    def run(self, on_round: OnRound | None) -> FinetuningResult:
        """Train until the held-out faces and pairs get no better."""
        start = self._look(self.start)
        best, best_round, best_loss = self.start, 0, start.loss
        history: list[FinetuningRecord] = []
        losses: list[float] = []
        for number in range(self.recipe.rounds + 1):
            value = self._fit() if number else None
            model = self._model() if number else self.start
            found = self._look(model) if number else start
            is_best = number == 0 or (found.loss < best_loss and found.surely_more_apart(start))
            if is_best:
                best, best_round, best_loss = model, number, found.loss
            losses.append(found.loss)
            history.append(FinetuningRecord(number, value, *found[:2], model.squared_radius, is_best))
            if on_round is not None:
                on_round(history[-1])
            if number - int(np.argmin(losses)) >= self.recipe.patience:
                break
        return FinetuningResult(best, history, best_round)

    def _look(self, model: EmbeddingModel) -> HeldOut:
        return self.data.look(model, self.radius_scale * model.squared_radius)

    def _fit(self) -> float:
        self.head.train()
        values = []
        for batch in islice(self.batches, self.recipe.steps_per_round):
            value = self._losses(batch)
            self.optimizer.zero_grad(set_to_none=True)
            (value + self.recipe.proximal * self._distance_from_start()).backward()
            self.optimizer.step()
            values.append(float(value.detach()))
        if not np.isfinite(values).all() or not all(bool(w.isfinite().all()) for w in self.head.parameters()):
            cure = f"choose a learning_rate below {self.recipe.learning_rate}"
            raise InputError(f"the loss or a weight is no longer finite: {cure}")
        return float(np.mean(values))

    def _losses(self, batch: Batch) -> Tensor:
        n_faces, n_tracks, n_features = batch.faces.shape
        scaled = torch.from_numpy(batch.faces.reshape(-1, n_features) * np.float32(self.start.input_scale))
        embeddings = self.head(scaled)
        classes = torch.from_numpy(np.tile(self.data.classes[batch.tracks], n_faces))
        ball = self.loss(embeddings, classes, self.lists)
        return ball + self._pair_loss(embeddings.view(n_faces, n_tracks, -1), torch.from_numpy(batch.partners))

    def _pair_loss(self, embeddings: Tensor, partners: Tensor) -> Tensor:
        """Mean of ``relu(4 b + margin - d)`` over faces of two tracks known to be two people."""
        b = self.loss.squared_radius / self.radius_scale
        paired = torch.nonzero(partners >= 0)[:, 0]
        if len(paired) == 0:
            return embeddings.new_zeros(())
        distances = (embeddings[:, paired] - embeddings[:, partners[paired]]).square().sum(dim=2)
        return torch.relu(radius_threshold(b) + self.recipe.margin - distances).mean()

    def _distance_from_start(self) -> Tensor:
        pairs = zip(self.head.parameters(), self.first_weights, strict=True)
        return torch.stack([(weight - first).square().sum() for weight, first in pairs]).sum()

    def _model(self) -> EmbeddingModel:
        """Return the model as it is now, apart from what is trained on."""
        radius = self.start.squared_radius
        if self.recipe.learn_radius:
            radius = float(self.loss.squared_radius.detach()) / self.radius_scale
        recipe = {**self.start.recipe, "finetuning": asdict(self.recipe)}
        return replace(self.start, head=copy.deepcopy(self.head).eval(), squared_radius=radius, recipe=recipe)
