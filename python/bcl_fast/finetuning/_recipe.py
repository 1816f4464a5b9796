"""Every number of the fine-tuning, in one place that costs nothing to import."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bcl_fast._utils.checks import store_plain_numbers
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError

RADIUS_SCALES = {"complete": 0.5, "average": 1.0}


@dataclass(frozen=True)
class FinetuningRecipe:
    """How a head is fine-tuned.

    Attributes
    ----------
    rounds, steps_per_round : int
        At most so many rounds of so many batches; after each the held-out pairs are looked at.
    batch_size : int
        Tracks of a batch, beside those that they cannot be one with.
    faces_per_track : int
        Random faces of each track in a batch.
    learning_rate, momentum : float
        Of stochastic gradient descent.
    proximal : float
        Weight of the squared distance of the weights from where they started, against forgetting.
    radius_scale : float or None
        Faces of a track are drawn into a ball of this multiple of ``b``; by default 0.5 for a model of complete linkage
        and 1 for one of average linkage. A track is less than its person, whose tracks of other scenes must be within
        the threshold too: the farthest of them, or the mean.
    alpha : float
        Weight of drawing the faces of a track together.
    margin : float
        Tracks of two people are to be ``9 b + margin`` from each other's centroid, and their faces ``4 b + margin``
        apart.
    learn_radius : bool
        Let ``b`` change too.
    held_out : float
        Share of the tracks held out, to choose a round by.
    patience : int
        Stop after so many rounds in which those get no better.
    seed : int
        Of the held-out tracks, the batches and the faces drawn.
    """

    rounds: int = 8
    steps_per_round: int = 25
    batch_size: int = 100
    faces_per_track: int = 4
    learning_rate: float = 0.01
    momentum: float = 0.9
    proximal: float = 0.01
    radius_scale: float | None = None
    alpha: float = 8.0
    margin: float = 0.05
    learn_radius: bool = False
    held_out: float = 0.2
    patience: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        store_plain_numbers(self)
        for name in ("rounds", "steps_per_round", "batch_size", "patience"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        self._require("faces_per_track", self.faces_per_track >= 2, "at least 2")
        for name in ("proximal", "alpha", "margin", "seed"):
            self._require(name, 0 <= getattr(self, name) < math.inf, "finite and not negative")
        for name in ("learning_rate", "radius_scale"):
            value = getattr(self, name)
            self._require(name, value is None or 0 < value < math.inf, "finite and positive")
        self._require("momentum", 0 <= self.momentum < 1, "in [0, 1)")
        self._require("held_out", 0 <= self.held_out < 1, "in [0, 1)")

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"{name} must be {wanted}, got {brief(getattr(self, name))}")
