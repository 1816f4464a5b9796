"""The losses by name, as the recipe of a training asks for them."""

from __future__ import annotations

from collections.abc import Callable

from bcl_fast._utils.process_group import ALONE, Processes
from bcl_fast.losses import (
    BallLoss,
    BaselineLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    LDMLLoss,
    NormFaceLoss,
    PrototypicalLoss,
    TripletLoss,
)
from bcl_fast.training._recipe import Recipe

TrainingLoss = BallLoss | BaselineLoss


def _ball(recipe: Recipe, n_identities: int, processes: Processes) -> BallLoss:
    return BallLoss(
        space=recipe.space,
        alpha=recipe.alpha,
        margin=recipe.margin,
        init_raw=recipe.init_raw,
        num_classes=n_identities,
        check_finite=False,  # the features are checked once, the loss after each epoch
        normalize=False,  # the head does
        process_group=processes.name or None,
    )


_OTHERS: dict[str, Callable[[Recipe, int, int], BaselineLoss]] = {
    "triplet": lambda recipe, *_: TripletLoss(reduction="mean", seed=recipe.seed),
    "contrastive": lambda recipe, *_: ContrastiveLoss(seed=recipe.seed),
    "ldml": lambda recipe, *_: LDMLLoss(seed=recipe.seed),
    "prototypical": lambda *_: PrototypicalLoss(),
    "normface": lambda *_: NormFaceLoss(),
    "crossentropy": lambda _, n_identities, n_features: CrossEntropyLoss(n_features, n_identities),
}


def make_loss(recipe: Recipe, n_identities: int, n_features: int, processes: Processes = ALONE) -> TrainingLoss:
    """Make the loss of a recipe, called as ``loss(embeddings, labels)`` or ``loss.terms(embeddings, labels)``.

    Its 0-dim parameters are the numbers that the paper trains beside the head (squared radius, margin, bias, scale).

    Parameters
    ----------
    recipe : Recipe
    n_identities : int
        Of the whole training; labels lie in ``[0, n_identities)``.
    n_features : int
        Dimension of the embeddings.
    processes : Processes, optional
        Those that have a part of each batch, which the ball loss alone knows.
    """
    if recipe.loss == "ball":
        return _ball(recipe, n_identities, processes)
    return _OTHERS[recipe.loss](recipe, n_identities, n_features)
