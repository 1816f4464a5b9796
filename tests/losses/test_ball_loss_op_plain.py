"""Where nothing looks on, the ball loss leaves torch's dispatcher out: same results, nothing shared by mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bcl_fast import BallLoss
from tests.helpers.ball_loss import ball_loss, make_batch, value_and_gradients


class Watched(TorchDispatchMode):
    """Notes which operators pass the dispatcher."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_who_looks_on_sees_both_operators_and_the_same_numbers() -> None:
    batch = make_batch(50, 6, 4, torch.float64)
    plain = value_and_gradients(ball_loss, *batch)
    with Watched() as watched:
        seen = value_and_gradients(ball_loss, *batch)
    assert {"bcl_fast.ball_loss.default", "bcl_fast.ball_loss_backward.default"} <= set(watched.names)
    for mine, wanted in zip(plain, seen, strict=True):
        assert torch.equal(mine, wanted)


def test_a_trace_holds_the_operator() -> None:
    embeddings, labels, _ = make_batch(30, 6, 4, torch.float32)
    loss = BallLoss(num_classes=4).requires_grad_(False)
    with pytest.warns(Warning, match=r"torch\.jit\.trace"):
        traced = torch.jit.trace(lambda e: loss(e, labels), embeddings.detach(), check_trace=False)
    others = embeddings.detach().flip(1).contiguous() * torch.linspace(-1, 1, 6)
    assert torch.equal(traced(others), loss(others, labels))


def gradients_of(loss: Tensor, inputs: tuple[Tensor, Tensor], *, retain_graph: bool) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, inputs, retain_graph=retain_graph)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_gradient_that_is_kept_is_not_the_one_that_was_given_out(dtype: torch.dtype) -> None:
    embeddings, labels, raw_radius = make_batch(40, 6, 5, dtype)
    loss = ball_loss(embeddings, labels, raw_radius)[0]
    first = gradients_of(loss, (embeddings, raw_radius), retain_graph=True)
    copies = [gradient.clone() for gradient in first]
    for gradient in first:
        gradient.zero_()
    last = gradients_of(loss, (embeddings, raw_radius), retain_graph=False)
    for mine, wanted in zip(last, copies, strict=True):
        assert torch.equal(mine, wanted)


def test_gradients_accumulate() -> None:
    embeddings, labels, raw_radius = make_batch(40, 6, 5, torch.float64)
    for _ in range(2):
        ball_loss(embeddings, labels, raw_radius)[0].backward()
    once = value_and_gradients(ball_loss, *make_batch(40, 6, 5, torch.float64))
    assert torch.equal(embeddings.grad, 2 * once[1])
    assert torch.equal(raw_radius.grad, 2 * once[2])


def test_a_summary_does_not_change_with_the_gradient_of_the_radius() -> None:
    embeddings, labels, raw_radius = make_batch(40, 6, 5, torch.float64)
    loss, summary = ball_loss(embeddings, labels, raw_radius)
    before = summary.clone()
    loss.backward()
    raw_radius.grad.zero_()
    assert torch.equal(summary, before)


def test_the_loss_may_be_changed_in_place() -> None:
    embeddings, labels, raw_radius = make_batch(40, 6, 5, torch.float64)
    value, *wanted = value_and_gradients(ball_loss, embeddings, labels, raw_radius)
    loss, summary = ball_loss(embeddings, labels, raw_radius)
    loss *= 3
    loss += embeddings.sum()
    loss.backward()
    assert summary[0] == value
    torch.testing.assert_close(embeddings.grad, 3 * wanted[0] + 1)
    torch.testing.assert_close(raw_radius.grad, 3 * wanted[1])
