"""Seconds that a loss takes per epoch, beside a direct transcription of its formula in plain PyTorch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bcl_fast.losses import (
    BallLoss,
    BaselineLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    LDMLLoss,
    NormFaceLoss,
    TripletLoss,
)
from bcl_fast.training import LOSSES, Recipe, make_loss

EMBEDDING_DIMENSION = 64
LEAST_BATCHES, ENOUGH_SECONDS = 3, 1.0  # batches timed of each loss; the epoch is their median times its batches


def plain_loss(loss: BallLoss | BaselineLoss, embeddings: Tensor, labels: Tensor) -> Tensor:
    """Evaluate a loss as its formula reads, all distances in memory: n x n for pairs, n x identities for centroids.

    Random negatives are drawn uniformly here too, from the global generator.
    """
    if isinstance(loss, BallLoss):
        return _plain_ball(loss, embeddings, labels)
    if isinstance(loss, TripletLoss | ContrastiveLoss | LDMLLoss):
        return _plain_pairs(loss, embeddings, labels)
    if isinstance(loss, CrossEntropyLoss):
        return functional.cross_entropy(loss.classifier(embeddings), labels)
    on_sphere = isinstance(loss, NormFaceLoss)
    embeddings = functional.normalize(embeddings, dim=1) if on_sphere else embeddings
    own, centroids = _centroids(embeddings, labels, sphere=on_sphere)
    scale = loss.scale if isinstance(loss, NormFaceLoss) else 1.0
    logits = -scale * _squared_distances(embeddings, centroids)
    losses = functional.cross_entropy(logits, own, reduction="none")
    counts = torch.bincount(own)
    return (losses / counts[own]).sum() / len(counts)


def _squared_distances(rows: Tensor, columns: Tensor) -> Tensor:
    return (rows.square().sum(1)[:, None] + columns.square().sum(1) - 2 * rows @ columns.T).clamp_min(0)


def _centroids(embeddings: Tensor, labels: Tensor, *, sphere: bool) -> tuple[Tensor, Tensor]:
    _, own = torch.unique(labels, return_inverse=True)
    members = functional.one_hot(own).to(embeddings.dtype)
    sums = members.T @ embeddings
    return own, functional.normalize(sums, dim=1) if sphere else sums / members.sum(0)[:, None]


def _plain_ball(loss: BallLoss, embeddings: Tensor, labels: Tensor) -> Tensor:
    own, centroids = _centroids(embeddings, labels, sphere=loss.space == "sphere")
    distances = _squared_distances(embeddings, centroids)
    similar = torch.relu(distances.gather(1, own[:, None])[:, 0] - loss.squared_radius).mean()
    if len(centroids) == 1:
        return loss.alpha * similar
    nearest = distances.scatter(1, own[:, None], torch.inf).amin(1)
    return loss.alpha * similar + torch.relu(9 * loss.squared_radius + loss.margin - nearest).mean()


def _plain_pairs(loss: TripletLoss | ContrastiveLoss | LDMLLoss, embeddings: Tensor, labels: Tensor) -> Tensor:
    distances = _squared_distances(embeddings, embeddings)
    same = labels[:, None] == labels[None, :]
    first, second = torch.nonzero(same.triu(1), as_tuple=True)
    near = distances[first, second]
    if isinstance(loss, TripletLoss):
        negatives = torch.multinomial((~same).float(), 1)[:, 0] if len(first) and not same.all() else first.new_empty(0)
        far = distances[first, negatives[first]] if len(negatives) else near[:0]
        values = torch.relu(near[: len(far)] - far + loss.margin)
    else:
        others = torch.nonzero(~same)
        drawn = others[torch.randint(len(others), (len(first),))] if len(others) else others
        far = distances[drawn[:, 0], drawn[:, 1]]
        if isinstance(loss, LDMLLoss):
            answers = torch.cat([torch.ones_like(near), torch.zeros_like(far)])
            logits = loss.bias - torch.cat([near, far])
            values = functional.binary_cross_entropy_with_logits(logits, answers, reduction="none")
        else:
            values = torch.cat([near / 2, torch.relu(loss.margin - far.sqrt()).square() / 2])
    return values.sum() / max(1, len(values)) if loss.reduction == "mean" else values.sum()


def time_losses(labels: np.ndarray, batch_size: int, *, seed: int = 0) -> Iterator[dict[str, object]]:
    """Time forward and backward pass of every loss, ours and plain, on batches of labelled tracks.

    Parameters
    ----------
    labels : ndarray of shape (n_tracks,), int
        Identity of each training track, numbered from 0; embeddings are random points on the unit sphere.
    batch_size : int
        Tracks of a batch.
    seed : int, default=0
        Of the batches and the embeddings.

    Yields
    ------
    dict
        ``loss``, ``ours seconds``, ``plain seconds``: of an epoch.
    """
    rng = np.random.default_rng(seed)
    permutation = rng.permutation(len(labels))
    starts = range(0, max(1, len(labels) - batch_size + 1), batch_size)
    batches = [torch.from_numpy(np.asarray(labels[permutation[s : s + batch_size]], np.int64)) for s in starts]
    n_batches = len(labels) / len(batches[0])
    generator = torch.Generator().manual_seed(seed)
    points = functional.normalize(torch.randn(len(batches[0]), EMBEDDING_DIMENSION, generator=generator), dim=1)
    for name in LOSSES:
        loss = make_loss(Recipe.paper(loss=name), int(labels.max()) + 1, EMBEDDING_DIMENSION)
        ours = _seconds_per_batch(loss, points, batches)
        plain = _seconds_per_batch(lambda f, y, loss=loss: plain_loss(loss, f, y), points, batches)  # type: ignore[misc]
        yield {"loss": name, "ours seconds": ours * n_batches, "plain seconds": plain * n_batches}


def _seconds_per_batch(loss: Callable[[Tensor, Tensor], Tensor], points: Tensor, batches: list[Tensor]) -> float:
    """Median seconds of forward and backward pass, the first batch left out."""
    seconds: list[float] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        while len(seconds) <= LEAST_BATCHES or (len(seconds) <= len(batches) and sum(seconds) < ENOUGH_SECONDS):
            labels = batches[len(seconds) % len(batches)]
            embeddings = points[: len(labels)].clone().requires_grad_()
            start = time.perf_counter()
            loss(embeddings, labels).backward()
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))
