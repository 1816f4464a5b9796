"""Pairs of samples of a batch: all of one identity, and as many random ones of two; nothing of size n x n."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_PAIRS = 65_536  # pairs whose difference vectors are held at once


class LabelBlocks:
    """Samples sorted by identity, so that an identity is a block of adjacent places.

    Parameters
    ----------
    labels : Tensor of shape (n_samples,), int
        Identity of each sample.

    Attributes
    ----------
    order : Tensor of shape (n_samples,), int64
        The sample at each place.
    starts, sizes : Tensor of shape (n_samples,), int64
        First place and length of the block that each place lies in.
    """

    def __init__(self, labels: Tensor) -> None:
        ordered, self.order = torch.sort(labels, stable=True)
        _, counts = torch.unique_consecutive(ordered, return_counts=True)
        self.starts = torch.repeat_interleave(counts.cumsum(0) - counts, counts)
        self.sizes = torch.repeat_interleave(counts, counts)

    def positive_pairs(self) -> tuple[Tensor, Tensor]:
        """All pairs of two samples of one identity, each once: two tensors of shape (n_pairs,), int64."""
        places = torch.arange(len(self.order), device=self.order.device)
        later = self.starts + self.sizes - 1 - places  # places after it in the block
        first = torch.repeat_interleave(places, later)
        ends = later.cumsum(0)
        second = (
            first + 1 + torch.arange(len(first), device=first.device) - torch.repeat_interleave(ends - later, later)
        )
        return self.order[first], self.order[second]

    def random_others(self, samples: Tensor, generator: torch.Generator) -> Tensor:
        """Draw for each sample one of another identity, all equally likely; there must be two identities or more."""
        place_of = torch.empty_like(self.order)
        place_of[self.order] = torch.arange(len(self.order), device=self.order.device)
        places = place_of[samples]
        draws = torch.rand(len(samples), generator=generator, dtype=torch.float64).to(samples.device)
        return self._other(places, (draws * (len(self.order) - self.sizes[places])).long())

    def random_negative_pairs(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw pairs of two identities, all such pairs equally likely; none where there is one identity only."""
        others = len(self.order) - self.sizes
        ends = others.cumsum(0)
        total = int(ends[-1]) if len(ends) else 0
        if total == 0:
            nothing = self.order[:0]
            return nothing, nothing
        draws = torch.randint(total, (count,), generator=generator).to(self.order.device)
        places = torch.searchsorted(ends, draws, right=True)
        return self.order[places], self._other(places, draws - (ends - others)[places])

    def _other(self, places: Tensor, ranks: Tensor) -> Tensor:
        """Return the sample with a rank among those outside the block of a place."""
        return self.order[torch.where(ranks >= self.starts[places], ranks + self.sizes[places], ranks)]


class _PairDistances(torch.autograd.Function):
    @staticmethod
    def forward(ctx, embeddings: Tensor, first: Tensor, second: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(embeddings, first, second)
        chunks = zip(first.split(CHUNK_PAIRS), second.split(CHUNK_PAIRS), strict=True)
        return torch.cat([(embeddings[i] - embeddings[j]).square().sum(1) for i, j in chunks])

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def]
        embeddings, *pairs = ctx.saved_tensors
        gradient = torch.zeros_like(embeddings)
        for i, j, weight in zip(*(one.split(CHUNK_PAIRS) for one in (*pairs, upstream)), strict=True):
            pull = (embeddings[i] - embeddings[j]) * (2 * weight)[:, None]
            gradient.index_add_(0, i, pull).index_add_(0, j, pull, alpha=-1)
        return gradient, None, None


def pair_distances(embeddings: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Squared distances of pairs of rows, differentiable once.

    Memory is that of the result and of some ten thousand difference vectors, however many pairs there are.

    Parameters
    ----------
    embeddings : Tensor of shape (n_samples, n_features), float
    first, second : Tensor of shape (n_pairs,), int64

    Returns
    -------
    Tensor of shape (n_pairs,)
        Of the type of ``embeddings``.
    """
    return _PairDistances.apply(embeddings, first, second)  # type: ignore[no-untyped-call]
