"""Every number of the training, in one place that costs nothing to import."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from bcl_fast.errors import InputError

LossName = Literal["ball", "triplet", "contrastive", "ldml", "prototypical", "normface", "crossentropy"]
LOSSES: tuple[LossName, ...] = get_args(LossName)
NOT_NORMALIZED = ("prototypical", "crossentropy")  # losses whose embeddings are not scaled to unit norm by default


@dataclass(frozen=True)
class Recipe:
    """How a head and its radius are trained; the defaults are the paper's (Tapaswi et al., ICCV 2019, section 4).

    Attributes
    ----------
    loss : {"ball", "triplet", "contrastive", "ldml", "prototypical", "normface", "crossentropy"}
        The ball loss, or one of the losses that the paper compares it with. The number that a loss trains beside the
        head (margin, bias or scale) is treated as the radius is.
    threshold : {"radius", "validation"} or None
        Where clusters are cut: at 4 b, with the b that the ball loss learns or that suits the embeddings of another
        loss best; or where the validation tracks fall into the true number of clusters. None: at 4 b for the ball loss,
        by the validation tracks for the others.
    normalize : bool or None
        Whether embeddings are scaled to unit norm; None: except for ``prototypical`` and ``crossentropy``.
    faces : {"one", "half"}
        What a track shows of itself in a batch: one random face, or the mean of a random half of its faces.
    head : {"mlp", "residual", "linear", "auto"}
        ``mlp`` is the paper's; the next two start as the identity map, which suits a few hundred training identities.
        ``auto`` is one of them by the number of identities, with numbers that suit it
        (`bcl_fast.training.choose_recipe`).
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

    loss: LossName = "ball"
    threshold: Literal["radius", "validation"] | None = None
    normalize: bool | None = None
    faces: Literal["one", "half"] = "one"
    head: Literal["mlp", "residual", "linear", "auto"] = "mlp"
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
        self._require("loss", self.loss in LOSSES, f"one of {', '.join(LOSSES)}")
        self._require("threshold", self.threshold in ("radius", "validation", None), "radius or validation")
        self._require("faces", self.faces in ("one", "half"), "one or half")
        self._require("head", self.head in ("mlp", "residual", "linear", "auto"), "mlp, residual, linear or auto")
        self._require("space", self.space in ("sphere", "euclidean"), "sphere or euclidean")
        if self.loss == "ball" and not self.normalized:
            wanted = "euclidean where embeddings are not normalised: the sphere is for unit norm"
            self._require("space", self.space == "euclidean", wanted)

    @property
    def normalized(self) -> bool:
        """Whether embeddings are scaled to unit norm."""
        return self.loss not in NOT_NORMALIZED if self.normalize is None else self.normalize

    @property
    def stops_at(self) -> Literal["radius", "validation"]:
        """Where clusters are cut, as ``threshold``."""
        return self.threshold or ("radius" if self.loss == "ball" else "validation")

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
