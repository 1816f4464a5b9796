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


PAPER: dict[str, Any] = {  # Tapaswi et al., ICCV 2019, section 4
    "threshold": None,
    "head": "mlp",
    "epochs": 128,
    "batch_size": 2000,
    "optimizer": "sgd",
    "learning_rate": 0.003,
    "lr_decay": 0.9,
    "radius_freeze_epochs": 5,
    "radius_learning_rate_factor": 0.1,
    "init_raw": 0.1,
    "linkage": "complete",
    "n_neighbors": 0,
}


@dataclass(frozen=True)
class Recipe:
    """How a head is trained and where clusters are cut; `Recipe.paper` has the paper's numbers.

    By default people are split into folds, each clustered by a head that has not seen them; what scores best over all
    folds is then trained on everybody. The command line shows the sentences below as the help of its options.

    Attributes
    ----------
    loss : {"ball", "triplet", "contrastive", "ldml", "prototypical", "normface", "crossentropy"}
        The ball loss, or one that the paper compares it with. The number that such a loss trains beside the head
        (margin, bias or scale) is treated as the radius is.
    threshold : {"cross-fit", "radius", "validation"} or None
        Where clusters are cut: where people in folds, whom the head has not seen, are clustered best, which also
        chooses the epoch, the linkage, and whether to train at all (cross-fit); at 4 b (3 b for average linkage), with
        the b that the ball loss learns or that suits the embeddings of another loss best (radius; the paper's for the
        ball loss); or where the validation tracks fall into the true number of clusters (validation; the paper's for
        the other losses).
    folds : int
        Parts of the people that are clustered in turn by a head trained on the others.
    repeats : int
        Times that the people are split into folds anew; the scores are averaged.
    validation : {"join", "alone"}
        With validation tracks and cross-fit: their people join those in folds, or serve alone to choose by.
    linkage : {"complete", "average"} or None
        What the threshold limits between two clusters: the largest distance, or the mean; by default what cross-fit
        finds better, or else complete.
    n_neighbors : int
        With cross-fit: before clustering, average each track with at most so many nearest neighbours, those within the
        threshold; 0 for none.
    normalize : bool or None
        Scale embeddings to unit norm; by default all losses but prototypical and crossentropy do.
    faces : {"one", "half"}
        What a track shows in a batch: one random face, or the mean of a random half of its faces.
    head : {"mlp", "residual", "linear"}
        Network on top of the features. mlp is the paper's; residual and linear start as the identity, for a few hundred
        identities.
    dimensions : tuple of int or None
        Widths of the head from the features to the embeddings, such as 256-128-64; by default those of the head.
    steps : int
        Batches to train with, in whole epochs, where these are not given; with cross-fit the most.
    epochs : int or None
        Passes over the training tracks; with cross-fit the most.
    batch_size : int
        Tracks per batch; all tracks make one batch where there are fewer.
    optimizer : {"adam", "sgd"}
        Adam, or stochastic gradient descent with momentum.
    learning_rate : float
        Of the optimizer.
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
    radius_learning_rate_factor : float or None
        The radius learns at this multiple of the learning rate; by default 0 for the ball loss, whose radius stays as
        it starts, and 0.1 for the numbers of other losses. The authors' published checkpoint shows 0.01 where their
        paper says 0.1.
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
        Without cross-fit: epochs from one validation to the next; the last epoch always has one.
    seed : int
        Of the starting weights, the batches and the faces drawn.

    Examples
    --------
    >>> from bcl_fast.training import Recipe
    >>> Recipe(folds=5).head, Recipe.paper(epochs=10).head
    ('linear', 'mlp')
    """

    loss: LossName = "ball"
    threshold: Literal["cross-fit", "radius", "validation"] | None = "cross-fit"
    folds: int = 3
    repeats: int = 2
    validation: Literal["join", "alone"] = "join"
    linkage: Literal["complete", "average"] | None = None
    n_neighbors: int = 3
    normalize: bool | None = None
    faces: Literal["one", "half"] = "one"
    head: Literal["mlp", "residual", "linear"] = "linear"
    dimensions: tuple[int, ...] | None = None
    steps: int = 300
    epochs: int | None = None
    batch_size: int = 256
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 0.001
    momentum: float = 0.9
    weight_decay: float = 0.0
    lr_decay: float = 1.0
    lr_decay_epochs: int = 10
    radius_freeze_epochs: int = 0
    radius_learning_rate_factor: float | None = None
    init_raw: float = -1.5078  # b = 0.2, where the authors' own training came to rest
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
        for name in ("steps", "epochs", "repeats", "lr_decay_epochs", "validation_interval"):
            value = getattr(self, name)
            self._require(name, value is None or value >= 1, "at least 1")
        for name in ("weight_decay", "radius_freeze_epochs", "radius_learning_rate_factor", "margin", "alpha", "seed"):
            value = getattr(self, name)
            self._require(name, value is None or 0 <= value < math.inf, "finite and not negative")
        self._require("folds", self.folds >= 2, "at least 2")
        self._require("n_neighbors", self.n_neighbors >= 0, "0 or more")
        for name in ("learning_rate", "lr_decay", "input_scale"):
            value = getattr(self, name)
            self._require(name, value is None or 0 < value < math.inf, "finite and positive")
        self._require("batch_size", self.batch_size >= 2, "at least 2")
        self._require("momentum", 0 <= self.momentum < 1, "in [0, 1)")
        self._require("init_raw", math.isfinite(self.init_raw), "finite")
        for name, allowed in choices().items():
            value = getattr(self, name)
            optional = name in ("threshold", "linkage")
            self._require(name, value in allowed or (optional and value is None), _either(allowed))
        if self.loss == "ball" and not self.normalized:
            wanted = "euclidean where embeddings are not normalised: the sphere is for unit norm"
            self._require("space", self.space == "euclidean", wanted)

    @classmethod
    def paper(cls, **changes: Any) -> Recipe:
        """Return the paper's numbers, with changes: its head, complete linkage, and clusters cut at ``4 b``."""
        return cls(**{**PAPER, **changes})

    @property
    def normalized(self) -> bool:
        """Whether embeddings are scaled to unit norm."""
        return self.loss not in NOT_NORMALIZED if self.normalize is None else self.normalize

    @property
    def stops_at(self) -> Literal["cross-fit", "radius", "validation"]:
        """Where clusters are cut, as ``threshold``."""
        return self.threshold or ("radius" if self.loss == "ball" else "validation")

    @property
    def radius_rate_factor(self) -> float:
        """The multiple of the learning rate at which the radius, or the number that another loss trains, learns."""
        given = self.radius_learning_rate_factor
        return (0.0 if self.loss == "ball" else 0.1) if given is None else given

    def epochs_of(self, n_tracks: int, share: float = 1) -> int:
        """Return the epochs in a share of a training on so many tracks: of those given, or of what makes ``steps``.

        So the same share is about the same number of batches on any number of tracks; it is one epoch at least.
        """
        epochs = self.steps / self.batches_of(n_tracks) if self.epochs is None else self.epochs
        return max(1, round(share * epochs))

    def batches_of(self, n_tracks: int) -> int:
        """Return the batches of an epoch of so many tracks."""
        return math.ceil(n_tracks / self.batch_size)

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
