"""What the paper's baseline losses share."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class LossTerms(NamedTuple):
    """What a baseline loss says of a batch: its value, a 0-dim tensor."""

    loss: Tensor


class BaselineLoss(nn.Module):
    """Base of the losses that have no ball: ``loss(embeddings, labels)`` is a scalar.

    Shape
    -----
    embeddings : (n_samples, n_features), float
    labels : (n_samples,), int64
    returns : scalar, of the type of the embeddings

    Raises
    ------
    ValueError
        If the shapes disagree.
    """

    def terms(self, embeddings: Tensor, labels: Tensor) -> LossTerms:
        """Return the loss as the one term that it has."""
        return LossTerms(self(embeddings, labels))

    @staticmethod
    def check(embeddings: Tensor, labels: Tensor) -> None:
        """Raise a ValueError for shapes that disagree."""
        if embeddings.ndim != 2 or len(embeddings) == 0:
            raise ValueError(
                f"embeddings must be 2-D (n_samples, n_features), not empty, got shape {tuple(embeddings.shape)}"
            )
        if labels.shape != embeddings.shape[:1]:
            raise ValueError(f"labels must have shape ({len(embeddings)},), got {tuple(labels.shape)}")
