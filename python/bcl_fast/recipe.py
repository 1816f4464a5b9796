"""Every number of the training, in one place that costs nothing to import."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bcl_fast.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How a head and its radius are trained; the defaults are the paper's (Tapaswi et al., ICCV 2019, section 4).

    Attributes
    ----------
    head : {"mlp", "residual", "linear"}
        ``mlp`` is the paper's; the other two start as the identity map, which suits a few hundred training identities.
    dimensions : tuple of int or None
        Widths of the head from the features to the embeddings, both included; None for the defaults of the head.
    epochs : int
        Passes over the training tracks.
    batch_size : int
        Tracks of a batch; all tracks make one batch where there are fewer.
    learning_rate, momentum, weight_decay : float
        Of stochastic gradient descent. The weight decay spares the radius.
    lr_decay, lr_decay_epochs : float, int
        The learning rate is multiplied by ``lr_decay`` every ``lr_decay_epochs`` epochs.
    radius_freeze_epochs : int
        First epochs in which the radius stays as it is.
    radius_learning_rate_factor : float
        The radius learns at this multiple of the learning rate. The authors' published checkpoint shows 0.01 where
        their paper says 0.1.
    init_raw : float
        Start of the raw radius; the squared radius is its softplus.
    margin : float
        The gap in ``9 b + margin``.
    alpha : float
        Weight of the part of the loss that draws an identity together.
    space : {"sphere", "euclidean"}
        Where centroids lie: on the sphere, or at the plain mean.
    input_scale : float or None
        Features are multiplied by it; None takes the inverse of the mean norm of the training faces.
    validation_interval : int
        Epochs from one validation to the next; the last epoch always has one.
    seed : int
        Of the starting weights, the batches and the faces drawn.
    """

    head: Literal["mlp", "residual", "linear"] = "mlp"
    dimensions: tuple[int, ...] | None = None
    epochs: int = 128
    batch_size: int = 2000
    learning_rate: float = 0.003
    momentum: float = 0.9
    weight_decay: float = 0.0
    lr_decay: float = 0.9
    lr_decay_epochs: int = 10
    radius_freeze_epochs: int = 5
    radius_learning_rate_factor: float = 0.1
    init_raw: float = 0.1
    margin: float = 0.05
    alpha: float = 4.0
    space: Literal["sphere", "euclidean"] = "sphere"
    input_scale: float | None = None
    validation_interval: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dimensions is not None:
            object.__setattr__(self, "dimensions", tuple(self.dimensions))
        for name in ("epochs", "lr_decay_epochs", "validation_interval"):
            self._require(name, getattr(self, name) >= 1, "at least 1")
        for name in ("weight_decay", "radius_freeze_epochs", "radius_learning_rate_factor", "margin", "alpha", "seed"):
            self._require(name, 0 <= getattr(self, name) < math.inf, "finite and not negative")
        for name in ("learning_rate", "lr_decay", "input_scale"):
            value = getattr(self, name)
            self._require(name, value is None or 0 < value < math.inf, "finite and positive")
        self._require("batch_size", self.batch_size >= 2, "at least 2")
        self._require("momentum", 0 <= self.momentum < 1, "in [0, 1)")
        self._require("init_raw", math.isfinite(self.init_raw), "finite")
        self._require("head", self.head in ("mlp", "residual", "linear"), "mlp, residual or linear")
        self._require("space", self.space in ("sphere", "euclidean"), "sphere or euclidean")

    def _require(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InputError(f"{name} must be {wanted}, got {getattr(self, name)!r}")

    def learning_rate_at(self, epoch: int) -> float:
        """Learning rate of the head in ``epoch``, counted from 1."""
        return self.learning_rate * self.lr_decay ** ((epoch - 1) // self.lr_decay_epochs)

    def as_dict(self) -> dict[str, Any]:
        """Fields and values, ready for JSON."""
        values = asdict(self)
        values["dimensions"] = None if self.dimensions is None else list(self.dimensions)
        return values
