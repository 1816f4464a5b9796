"""Slow, obvious twins of the operators, in plain PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def ball_loss_reference(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    *,
    alpha: float = 4.0,
    margin: float = 0.05,
    sphere: bool = True,
    apart: Tensor | None = None,
) -> Tensor:
    """Eqs. 5-7 of Tapaswi et al. (2019) by autograd, with all n x k distances in memory.

    ``apart[a, b]`` says whether class b pushes class a away, in place of all other classes.
    """
    squared_radius = F.softplus(raw_radius)
    present, own = torch.unique(labels, return_inverse=True)
    sums = embeddings.new_zeros(len(present), embeddings.shape[1]).index_add(0, own, embeddings)
    centroids = F.normalize(sums, dim=1) if sphere else sums / torch.bincount(own)[:, None]
    distances = (embeddings[:, None, :] - centroids[None, :, :]).square().sum(2)
    own_distance = distances.gather(1, own[:, None])[:, 0]
    loss = alpha * F.relu(own_distance - squared_radius).mean()
    if len(present) > 1:
        others = distances.scatter(1, own[:, None], float("inf"))
        if apart is not None:
            others = others.masked_fill(~apart[present][:, present][own], float("inf"))
        nearest_other = others.amin(1)
        loss = loss + F.relu(9 * squared_radius + margin - nearest_other).mean()
    return loss
