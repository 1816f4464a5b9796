"""What of a training changes, and is saved to go on from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bcl_fast.models._heads import Head
from bcl_fast.training._history import EpochRecord
from bcl_fast.training._loss import TrainingLoss


@dataclass(eq=False)
class TrainingState:
    """What changes while training runs.

    Attributes
    ----------
    head : Head
        The network.
    loss : BallLoss or BaselineLoss
        With the numbers and weights that it trains.
    optimizer : torch.optim.Optimizer
        With its momentum.
    rng : numpy.random.Generator
        Draws the batches and the faces.
    history : list of EpochRecord
        The epochs done.
    best_weights : dict of Tensor
        The head's weights after ``best_epoch``.
    best_squared_radius : float or None
        The squared radius after ``best_epoch``; None where nothing has asked for it yet.
    best_threshold : float or None
        The threshold found on the validation tracks after ``best_epoch``; None where clusters are cut at ``4 b``.
    best_epoch : int
        The epoch that `train` would return now; 0 before the first.
    """

    head: Head
    loss: TrainingLoss
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator
    history: list[EpochRecord] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    best_squared_radius: float | None = None
    best_threshold: float | None = None
    best_epoch: int = 0
