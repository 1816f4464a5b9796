"""Every number of the training, in one place that costs nothing to import."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from bcl_fast._utils.checks import store_plain_numbers, whole_number
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError

LossName = Literal["ball", "triplet", "contrastive", "ldml", "prototypical", "normface", "crossentropy"]
LOSSES: tuple[LossName, ...] = get_args(LossName)
NOT_NORMALIZED = ("prototypical", "crossentropy")  # losses whose embeddings are not scaled to unit norm by default


@dataclass(frozen=True)
class Recipe:
    """How a head and its radius are trained; the defaults are the paper's (Tapaswi et al., ICCV 2019, section 4).

    The command line shows the sentences below as the help of its options.

    Attributes
    ----------
    loss : {"ball", "triplet", "contrastive", "ldml", "prototypical", "normface", "crossentropy"}
        The ball loss, or one that the paper compares it with. The number that such a loss trains beside the head
        (margin, bias or scale) is treated as the radius is.
    threshold : {"radius", "validation"} or None
        Where clusters are cut: at 4 b, with the b that the ball loss learns or that suits the embeddings of another
        loss best (radius; default for the ball loss), or where the validation tracks fall into the true number of
        clusters (validation; default for the other losses).
    normalize : bool or None
        Scale embeddings to unit norm; by default all losses but prototypical and crossentropy do.
    faces : {"one", "half"}
        What a track shows in a batch: one random face, or the mean of a random half of its faces.
    head : {"mlp", "residual", "linear", "auto"}
        Network on top of the features. mlp is the paper's; residual and linear start as the identity, for a few hundred
        identities; auto chooses by their number, with numbers that suit it, and says so.
    dimensions : tuple of int or None
        Widths of the head from the features to the embeddings, such as 256-128-64; by default those of the head.
    epochs : int
        Passes over the training tracks.
    batch_size : int
        Tracks per batch; all tracks make one batch where there are fewer.
    learning_rate : float
        Of stochastic gradient descent.
    momentum : float
        Of stochastic gradient descent.
    weight_decay : float
        On the weights of the head; it spares the radius.
    lr_decay : float
        Factor on the learning rate every so many epochs (the next option).
    lr_decay_epochs : int
        Epochs from one decay of the learning rate to the next.
    radius_freeze_epochs : int
        First epochs in which the radius stays as it is.
    radius_learning_rate_factor : float
        The radius learns at this multiple of the learning rate. The authors' published checkpoint shows 0.01 where
        their paper says 0.1.
    init_raw : float
        Start of the raw radius; the squared radius b is its softplus.
    margin : float
        Gap between balls: other people must be 9 b + margin away.
    alpha : float
        Weight of drawing a person's tracks into one ball.
    space : {"sphere", "euclidean"}
        Where centroids lie: on the sphere, or at the plain mean.
    input_scale : float or None
        Factor on the features; by default the inverse of the mean norm of the training faces.
    validation_interval : int
        Epochs from one validation to the next; the last epoch always has one.
    seed : int
        Of the starting weights, the batches and the faces drawn.

    See Also
    --------
    bcl_fast.training.choose_recipe : What ``head="auto"`` stands for.
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
        store_plain_numbers(self)
        if self.dimensions is not None:
            if not isinstance(self.dimensions, Iterable):
                raise InputError(f"dimensions must be a sequence of widths, got {brief(self.dimensions)}")
            widths = tuple(whole_number("dimensions", width) for width in self.dimensions)
            object.__setattr__(self, "dimensions", widths)
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
        for name, allowed in choices().items():
            value = getattr(self, name)
            self._require(name, value in allowed or (name == "threshold" and value is None), _either(allowed))
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
            raise InputError(f"{name} must be {wanted}, got {brief(getattr(self, name))}")

    def learning_rate_at(self, epoch: int) -> float:
        """Learning rate of the head in ``epoch``, counted from 1."""
        return self.learning_rate * self.lr_decay ** ((epoch - 1) // self.lr_decay_epochs)

    def as_dict(self) -> dict[str, Any]:
        """Fields and values, ready for JSON."""
        values = asdict(self)
        values["dimensions"] = None if self.dimensions is None else list(self.dimensions)
        return values


@cache
def choices() -> dict[str, tuple[str, ...]]:
    """Return the fields of `Recipe` that take one of several words, and the words."""
    found = {}
    for name, hint in get_type_hints(Recipe).items():
        words = [word for part in (hint, *get_args(hint)) if get_origin(part) is Literal for word in get_args(part)]
        if words:
            found[name] = tuple(words)
    return found


def _either(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
