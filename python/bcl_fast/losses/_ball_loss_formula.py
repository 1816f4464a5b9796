"""The ball loss in plain PyTorch, for what the kernels cannot do: second derivatives, the transforms of ``torch.func``.

Takes n x n numbers and looks at no value, so nothing is refused for one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bcl_fast._utils.checks import SMALLEST_NORM
from bcl_fast.losses._ball_loss_kernels import BallLossOptions


def ball_loss_formula(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    offsets: Tensor | None,
    listed: Tensor | None,
    options: BallLossOptions,
) -> tuple[Tensor, Tensor]:
    """Return what `bcl_fast.losses._ball_loss_op.ball_loss` returns, by Eqs. 5-7 of Tapaswi et al., ICCV 2019."""
    points = F.normalize(embeddings, dim=1, eps=SMALLEST_NORM) if options.normalize else embeddings
    same = labels[:, None] == labels[None, :]
    centroids, exists = _centroids(points, same, options.sphere)
    others = _pushing(labels, same, offsets, listed, options.num_classes) & exists[None, :]
    nearest = _nearest(points.detach(), centroids.detach(), others)
    squared_radius = F.softplus(raw_radius).to(points.dtype)
    excess = torch.relu((points - centroids).square().sum(1) - squared_radius) * exists
    short = torch.relu(9 * squared_radius + options.margin - (points - centroids[nearest]).square().sum(1))
    short = short * others.any(1)
    similar, dissimilar = excess.mean(), short.mean()
    loss = options.alpha * similar + dissimilar
    pulled, pushed = ((part > 0).to(points.dtype).mean() for part in (excess, short))
    raw_gradient = (9 * pushed - options.alpha * pulled) * torch.sigmoid(raw_radius).to(points.dtype)
    return loss, torch.stack([loss, similar, dissimilar, pulled, pushed, raw_gradient]).detach()


def _centroids(points: Tensor, same: Tensor, sphere: bool) -> tuple[Tensor, Tensor]:
    """Return the centroid of each sample's own class, and whether there is one."""
    sums = same.to(points.dtype) @ points
    if not sphere:
        return sums / same.sum(1)[:, None], same.any(1)
    squares = (same.to(points.dtype) @ points.detach().square().sum(1)) * same.sum(1)
    rounding = (8 * torch.finfo(points.dtype).eps) ** 2
    exists = ~(sums.detach().square().sum(1) <= rounding * squares)  # NaN exists, and reaches the loss
    safe = torch.where(exists[:, None], sums, torch.ones_like(sums))
    return safe / torch.linalg.vector_norm(safe, dim=1, keepdim=True), exists


def _pushing(labels: Tensor, same: Tensor, offsets: Tensor | None, listed: Tensor | None, num_classes: int) -> Tensor:
    """Return whether the class of the sample of a column may push the sample of a row away."""
    if offsets is None or listed is None:
        return ~same
    classes = torch.arange(num_classes, device=labels.device).repeat_interleave(offsets.diff())
    apart = torch.zeros(num_classes, num_classes, dtype=torch.bool, device=labels.device)
    apart[classes, listed] = True
    return apart[labels][:, labels] & ~same


def _nearest(points: Tensor, centroids: Tensor, others: Tensor) -> Tensor:
    """Return the sample whose centroid is nearest, of the others; any sample where there are none."""
    ranks = centroids.square().sum(1)[None, :] - 2 * points @ centroids.T
    return torch.where(others, ranks, torch.inf).argmin(1)
