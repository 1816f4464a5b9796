"""The plain transcriptions of the losses, which are timed beside ours, compute the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from bcl_fast.paper.loss_times import plain_loss, time_losses
from bcl_fast.training import Recipe, make_loss
from bcl_fast.training._recipe import LOSSES

LABELS = torch.tensor([0, 0, 1, 1, 2, 3, 3, 3, 0, 4, 4, 1])


def points() -> torch.Tensor:
    embeddings = torch.randn(len(LABELS), 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return F.normalize(embeddings, dim=1).requires_grad_()


@pytest.mark.parametrize("name", ["ball", "prototypical", "normface", "crossentropy"])
def test_losses_without_draws_are_equal(name):
    loss, embeddings = make_loss(Recipe.paper(loss=name), 5, 5).double(), points()
    ours, plain = loss(embeddings, LABELS), plain_loss(loss, embeddings, LABELS)
    torch.testing.assert_close(plain, ours, rtol=1e-6, atol=1e-6)
    gradients = [torch.autograd.grad(value, embeddings)[0] for value in (ours, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["triplet", "contrastive", "ldml"])
def test_losses_with_draws_are_equal_on_average(name):
    loss, embeddings = make_loss(Recipe.paper(loss=name), 5, 5).double(), points().detach()
    torch.manual_seed(0)
    ours, plain = (
        torch.stack([value(embeddings) for _ in range(1500)]).mean()
        for value in (lambda f: loss(f, LABELS), lambda f: plain_loss(loss, f, LABELS))
    )
    torch.testing.assert_close(plain, ours, rtol=0.02, atol=0.0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 1, 2]])
def test_batches_without_pairs_or_others(name, labels):
    loss, embeddings = make_loss(Recipe.paper(loss=name), 5, 5).double(), points()[: len(labels)]
    ours, plain = (value(embeddings, torch.tensor(labels)) for value in (loss, lambda f, y: plain_loss(loss, f, y)))
    torch.testing.assert_close(plain, ours, rtol=1e-6, atol=1e-6)


def test_every_loss_is_timed_both_ways():
    rows = list(time_losses(np.arange(40) % 7, batch_size=16))
    assert [row["loss"] for row in rows] == list(LOSSES)
    assert all(row["ours seconds"] > 0 and row["plain seconds"] > 0 for row in rows)
