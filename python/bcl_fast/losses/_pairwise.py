"""Baseline losses on pairs and triplets of a batch (Tapaswi et al., ICCV 2019, section 3)."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from bcl_fast._utils.checks import real_number, whole_number
from bcl_fast.losses._base import BaselineLoss
from bcl_fast.losses._pair_sampling import LabelBlocks, pair_distances

Reduction = Literal["mean", "sum"]


class _PairLoss(BaselineLoss):
    """Draws random negatives: new ones in each call, the same for the same seed and number of the call."""

    def __init__(self, reduction: Reduction, seed: int) -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
        self.reduction = reduction
        self.seed = whole_number("seed", seed)
        self.calls = 0

    def get_extra_state(self) -> int:
        """Save the number of calls, so that a resumed training draws what it would have drawn."""
        return self.calls

    def set_extra_state(self, state: int) -> None:
        """Go on from a number of calls."""
        self.calls = state

    def next_generator(self) -> torch.Generator:
        """Random numbers of the next call."""
        self.calls += 1
        return torch.Generator().manual_seed((self.seed * 1_000_003 + self.calls) % 2**63)

    def _reduce(self, *parts: Tensor) -> Tensor:
        values = torch.cat(parts)
        return values.sum() / max(1, len(values)) if self.reduction == "mean" else values.sum()


class TripletLoss(_PairLoss):
    """For each pair of an identity and one random other: the other must be farther than the pair by a margin.

    With ``d(i,j) = ||f_i - f_j||**2``, over all pairs ``i, j`` of an identity, each with a random ``u`` of another::

        loss = sum_(i,j,u) relu(d(i,j) - d(i,u) + margin)

    Parameters
    ----------
    margin : float, default=0.5
        A squared distance.
    reduction : {"sum", "mean"}, default="sum"
        The mean keeps the size of a step independent of the number of triplets, as training wants it.
    seed : int, default=0
        Of the random samples.
    """

    def __init__(self, *, margin: float = 0.5, reduction: Reduction = "sum", seed: int = 0) -> None:
        super().__init__(reduction, seed)
        margin = real_number("margin", margin)
        if not margin >= 0:
            raise ValueError(f"margin must be >= 0, got {margin}")
        self.margin = margin

    def triplets(self, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Anchors, positives and the negatives of the next call: three tensors of shape (n_triplets,), int64."""
        blocks = LabelBlocks(labels)
        anchors, positives = blocks.positive_pairs()
        if len(labels) == 0 or int(blocks.sizes[0]) == len(labels):
            return anchors[:0], anchors[:0], anchors[:0]
        return anchors, positives, blocks.random_others(anchors, self.next_generator())

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch; 0 without a pair of one identity, or with one identity only."""
        embeddings, labels = self.check(embeddings, labels)
        anchors, positives, negatives = self.triplets(labels)
        near, far = (pair_distances(embeddings, anchors, others) for others in (positives, negatives))
        return self._reduce(torch.relu(near - far + self.margin))


class _BalancedPairLoss(_PairLoss):
    """On all pairs of one identity and as many random pairs of two."""

    def pairs(self, labels: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Pairs of one identity, and the pairs of two of the next call: first and second samples of each."""
        blocks = LabelBlocks(labels)
        positives = blocks.positive_pairs()
        return positives, blocks.random_negative_pairs(len(positives[0]), self.next_generator())

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch; 0 without a pair of one identity."""
        embeddings, labels = self.check(embeddings, labels)
        positives, negatives = self.pairs(labels)
        near, far = pair_distances(embeddings, *positives), pair_distances(embeddings, *negatives)
        return self._reduce(self._positive(near), self._negative(far))

    def _positive(self, squared: Tensor) -> Tensor:
        raise NotImplementedError

    def _negative(self, squared: Tensor) -> Tensor:
        raise NotImplementedError


class ContrastiveLoss(_BalancedPairLoss):
    """Draws pairs of an identity together, and pairs of two at least a trained margin apart.

    With the Euclidean distance ``d`` of a pair, ``y = 1`` for one identity and 0 for two::

        loss = mean over pairs of  y / 2 d**2 + (1 - y) / 2 relu(margin - d)**2,    margin = softplus(raw_margin)

    Parameters
    ----------
    init_raw : float, optional
        Where ``raw_margin`` starts; by default where the margin is 1.
    reduction, seed
        As for `TripletLoss`, the mean by default.

    References
    ----------
    Hadsell, Chopra, LeCun. Dimensionality Reduction by Learning an Invariant Mapping. CVPR 2006.
    """

    def __init__(self, *, init_raw: float = math.log(math.e - 1), reduction: Reduction = "mean", seed: int = 0) -> None:
        super().__init__(reduction, seed)
        self.raw_margin = nn.Parameter(torch.tensor(real_number("init_raw", init_raw)))

    @property
    def margin(self) -> Tensor:
        """How far apart two identities must be, a Euclidean distance (not squared)."""
        return nn.functional.softplus(self.raw_margin)

    def _positive(self, squared: Tensor) -> Tensor:
        return squared / 2

    def _negative(self, squared: Tensor) -> Tensor:
        # Where two points coincide the distance has no direction: the clamp passes no gradient there.
        distances = squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()
        return torch.relu(self.margin.to(squared.dtype) - distances).square() / 2


class LDMLLoss(_BalancedPairLoss):
    """Logistic discriminant metric learning: judge by its squared distance whether a pair is of one identity.

    With ``p = sigmoid(bias - ||f_i - f_j||**2)``, the binary cross-entropy of ``p``, over pairs of one identity and as
    many of two.

    Parameters
    ----------
    init_bias : float, default=0.5
        Where the trained ``bias`` starts: the squared distance at which both answers are equally likely.
    reduction, seed
        As for `TripletLoss`, the mean by default.

    References
    ----------
    Guillaumin, Verbeek, Schmid. Is that you? Metric Learning Approaches for Face Identification. ICCV 2009.
    """

    def __init__(self, *, init_bias: float = 0.5, reduction: Reduction = "mean", seed: int = 0) -> None:
        super().__init__(reduction, seed)
        self.bias = nn.Parameter(torch.tensor(real_number("init_bias", init_bias)))

    def _positive(self, squared: Tensor) -> Tensor:
        return nn.functional.softplus(squared - self.bias.to(squared.dtype))

    def _negative(self, squared: Tensor) -> Tensor:
        return nn.functional.softplus(self.bias.to(squared.dtype) - squared)
