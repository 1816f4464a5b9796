"""What the paper's baseline losses share."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from bcl_fast.losses._inputs import as_batch


class LossTerms(NamedTuple):
    """What a baseline loss says of a batch: its value, a 0-dim tensor."""

    loss: Tensor


class BaselineLoss(nn.Module):
    """Base of the losses that have no ball: ``loss(embeddings, labels)`` is a scalar.

    Embeddings are (n_samples, n_features), float32, float64, float16 or bfloat16, as is the loss then; labels are
    (n_samples,), whole numbers. Arrays and lists will do for both. Distances are those of the embeddings as they are,
    of whatever length, unless a loss says otherwise.

    Raises
    ------
    ValueError
        If the shapes disagree.
    TypeError
        If labels are not whole numbers.
    """

    def terms(self, embeddings: Tensor, labels: Tensor) -> LossTerms:
        """Return the loss as the one term that it has."""
        return LossTerms(self(embeddings, labels))

    @staticmethod
    def check(embeddings: Any, labels: Any) -> tuple[Tensor, Tensor]:
        """Return a batch as tensors, labels as int64; raise a ValueError for shapes or devices that disagree."""
        embeddings, labels = as_batch(embeddings, labels)
        if embeddings.ndim != 2 or len(embeddings) == 0:
            raise ValueError(
                f"embeddings must be 2-D (n_samples, n_features), not empty, got shape {tuple(embeddings.shape)}"
            )
        if labels.shape != embeddings.shape[:1]:
            raise ValueError(f"labels must have shape ({len(embeddings)},), got {tuple(labels.shape)}")
        if labels.device != embeddings.device:
            raise ValueError(f"labels must be on the embeddings' device {embeddings.device}, got {labels.device}")
        return embeddings, labels
