"""The ball loss's slow, obvious twin in plain PyTorch, and what the tests of the operator compare it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bcl_fast.losses import _ball_loss_op
from bcl_fast.losses._ball_loss_kernels import BallLossOptions
from bcl_fast.losses._ball_loss_op import ClassLists

DTYPES = [torch.float32, torch.float64]


def make_batch(n: int, d: int, k: int, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return n embeddings on the sphere around k centers, their labels, and a raw radius."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, k, (n,), generator=generator)
    centers = torch.randn(k, d, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, d, generator=generator, dtype=torch.float64)
    embeddings = F.normalize(centers[labels] + noise, dim=1).to(dtype).requires_grad_()
    raw_radius = torch.tensor(-1.0, dtype=dtype, requires_grad=True)
    return embeddings, labels, raw_radius


def value_and_gradients(
    function: Callable[..., Any], embeddings: Tensor, labels: Tensor, raw_radius: Tensor, **options: Any
) -> tuple[Tensor, ...]:
    """Return the loss (the first, where the function returns more) and its gradients by embeddings and raw radius."""
    loss = function(embeddings, labels, raw_radius, **options)
    loss = loss[0] if isinstance(loss, tuple) else loss
    return loss.detach(), *torch.autograd.grad(loss, (embeddings, raw_radius), allow_unused=True)


def ball_loss(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    *,
    num_classes: int | None = None,
    cannot_link: ClassLists | None = None,
    **options: Any,
) -> tuple[Tensor, Tensor]:
    """Call the operator with its options by name, as the reference takes them."""
    classes = -1 if num_classes is None else num_classes
    return _ball_loss_op.ball_loss(embeddings, labels, raw_radius, BallLossOptions(classes, **options), cannot_link)


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
