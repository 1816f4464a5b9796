"""Baseline losses that classify the samples of a batch (Tapaswi et al., ICCV 2019, section 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bcl_fast._utils.checks import SMALLEST_NORM, real_number, whole_number
from bcl_fast.losses._base import BaselineLoss


class PrototypicalLoss(BaselineLoss):
    """Cross-entropy over the squared distances to the centroids of the batch.

    With ``mu_k`` the centroid of identity ``k`` in the batch and ``d(i,k) = ||f_i - mu_k||**2``, the probability that
    ``i`` is of its own identity is the softmax of ``squared_radius - d(i,y_i)`` among ``gamma - d(i,k)`` for the
    others; its negative logarithm is averaged within each identity, then over the identities (Eqs. 9-10). With
    ``squared_radius = gamma = 0`` these are the prototypical networks of Snell et al.

    Parameters
    ----------
    squared_radius, gamma : float, default=0.0
        Squared distances that count as nothing, to the own centroid and to the others.

    References
    ----------
    Snell, Swersky, Zemel. Prototypical Networks for Few-shot Learning. NeurIPS 2017.
    """

    def __init__(self, *, squared_radius: float = 0.0, gamma: float = 0.0) -> None:
        super().__init__()
        squared_radius, gamma = real_number("squared_radius", squared_radius), real_number("gamma", gamma)
        for name, value in (("squared_radius", squared_radius), ("gamma", gamma)):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and >= 0, got {value}")
        self.squared_radius = squared_radius
        self.gamma = gamma

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of a batch; 0 with one identity only."""
        embeddings, labels = self.check(embeddings, labels)
        embeddings = self._points(embeddings)
        _, own, counts = torch.unique(labels, return_inverse=True, return_counts=True)
        sums = embeddings.new_zeros(len(counts), embeddings.shape[1]).index_add(0, own, embeddings)
        logits = self._logits(embeddings, sums, counts)
        shift = logits.new_full((len(own), 1), self.squared_radius - self.gamma)
        logits = logits.scatter_add(1, own[:, None], shift)  # the same softmax as with gamma added to the others
        losses = nn.functional.cross_entropy(logits, own, reduction="none")
        return (losses / counts[own]).sum() / len(counts)

    def _points(self, embeddings: Tensor) -> Tensor:
        """Return what distances are measured between: the embeddings as they are."""
        return embeddings

    def _logits(self, embeddings: Tensor, sums: Tensor, counts: Tensor) -> Tensor:
        """Minus the squared distances to the centroids; what all logits of a row share is left out."""
        centroids = sums / counts[:, None]
        return 2 * embeddings @ centroids.T - centroids.square().sum(1)


class NormFaceLoss(PrototypicalLoss):
    """`PrototypicalLoss` on the sphere: unit length for embeddings and centroids, a trained scale of their distances.

    Without a scale squared distances, at most 4, could never tell many identities apart with certainty.

    Parameters
    ----------
    init_scale : float, default=10.0
        Where ``scale = softplus(raw_scale)`` starts.

    References
    ----------
    Wang, Xiang, Cheng, Yuille. NormFace: L2 Hypersphere Embedding for Face Verification. ACM Multimedia 2017.
    """

    def __init__(self, *, init_scale: float = 10.0) -> None:
        super().__init__()
        init_scale = real_number("init_scale", init_scale)
        if not 0 < init_scale < math.inf:
            raise ValueError(f"init_scale must be finite and positive, got {init_scale}")
        self.raw_scale = nn.Parameter(torch.tensor(float(init_scale + math.log(-math.expm1(-init_scale)))))

    @property
    def scale(self) -> Tensor:
        """Factor on the squared distances."""
        return nn.functional.softplus(self.raw_scale)

    def _points(self, embeddings: Tensor) -> Tensor:
        return _unit(embeddings)

    def _logits(self, embeddings: Tensor, sums: Tensor, counts: Tensor) -> Tensor:
        centroids = _unit(sums)
        return 2 * self.scale.to(embeddings.dtype) * (embeddings @ centroids.T)


def _unit(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows, dim=1, eps=SMALLEST_NORM)


class CrossEntropyLoss(BaselineLoss):
    """A linear classifier over the training identities on top of the embeddings, which are its input.

    Parameters
    ----------
    n_features : int
        Dimension of the embeddings.
    num_classes : int
        Identities of the whole training; labels lie in ``[0, num_classes)``.

    Raises
    ------
    ValueError
        If shapes disagree or a label is out of range.
    """

    def __init__(self, n_features: int, num_classes: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(whole_number("n_features", n_features), whole_number("num_classes", num_classes))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy of a batch."""
        embeddings, labels = self.check(embeddings, labels)
        if embeddings.shape[1] != self.classifier.in_features:
            raise ValueError(f"embeddings must have {self.classifier.in_features} features, got {embeddings.shape[1]}")
        if labels.min() < 0 or labels.max() >= self.classifier.out_features:
            wanted = f"labels must be in 0..{self.classifier.out_features - 1}"
            raise ValueError(f"{wanted}, got {int(labels.min())}..{int(labels.max())}")
        logits = self.classifier(embeddings.to(self.classifier.weight.dtype))
        return nn.functional.cross_entropy(logits, labels)
