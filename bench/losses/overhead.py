"""What a call of a loss costs beside its arithmetic: the ball loss of small batches, and the floors below it.

python -m bench.losses.overhead

Forward and backward, processor time of one thread in microseconds: the least and the median of rounds that take turns,
so that a machine with other work to do can be used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor

from bcl_fast import BallLoss
from bench.losses.bench_ball_loss import ball_loss_eager

ROUNDS, CALLS = 60, 40
BATCHES = [(8, 4, 3), (500, 64, 150)]

_library = torch.library.Library("bcl_fast_bench", "DEF")
for _name in ("loss", "wrapped_loss"):
    _library.define(f"{_name}(Tensor embeddings, Tensor radius) -> Tensor")
    _library.impl(_name, lambda embeddings, radius: embeddings.new_empty(()), "CPU")
_library.define("gradient(Tensor embeddings) -> Tensor")
_library.impl("gradient", torch.empty_like, "CPU")


class EmptyFunction(torch.autograd.Function):
    """A node of two inputs that computes nothing."""

    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, radius: Tensor) -> Tensor:
        ctx.save_for_backward(embeddings)
        return embeddings.new_empty(())

    @staticmethod
    def backward(ctx: Any, loss_gradient: Tensor) -> tuple[Tensor, Tensor]:
        return torch.empty_like(*ctx.saved_tensors), loss_gradient


class FunctionAroundOperators(EmptyFunction):
    """The same, by operators that pass torch's dispatcher."""

    @staticmethod
    def forward(ctx: Any, embeddings: Tensor, radius: Tensor) -> Tensor:
        ctx.save_for_backward(embeddings)
        return torch.ops.bcl_fast_bench.loss.default(embeddings, radius)

    @staticmethod
    def backward(ctx: Any, loss_gradient: Tensor) -> tuple[Tensor, Tensor]:
        return torch.ops.bcl_fast_bench.gradient.default(*ctx.saved_tensors), loss_gradient


torch.library.register_autograd(
    "bcl_fast_bench::wrapped_loss",
    lambda ctx, loss_gradient: (torch.empty_like(*ctx.saved_tensors), loss_gradient),
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]),
    lib=_library,
)


def call(function: type[EmptyFunction], embeddings: Tensor, radius: Tensor) -> Tensor:
    """Apply a function; torch gives ``apply`` no types."""
    value: Tensor = function.apply(embeddings, radius)  # type: ignore[no-untyped-call]
    return value


def losses(num_classes: int) -> dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]]:
    """Return the losses by name, of embeddings, labels and raw radius."""
    ball_loss = BallLoss(num_classes=num_classes)
    return {
        "one node of torch in C++ (a sum)": lambda embeddings, labels, radius: embeddings.sum(),
        "an empty autograd.Function": lambda embeddings, labels, radius: call(EmptyFunction, embeddings, radius),
        "the same around two operators": lambda embeddings, labels, radius: call(
            FunctionAroundOperators, embeddings, radius
        ),
        "an empty operator with register_autograd": lambda embeddings, labels, radius: (
            torch.ops.bcl_fast_bench.wrapped_loss.default(embeddings, radius)
        ),
        "ball loss": lambda embeddings, labels, radius: ball_loss(embeddings, labels),
        "eager PyTorch": lambda embeddings, labels, radius: ball_loss_eager(embeddings, labels, radius, num_classes),
    }


def measure(n: int, d: int, k: int) -> dict[str, tuple[float, float]]:
    """Microseconds by name."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.cat([torch.arange(k), torch.randint(0, k, (n - k,), generator=generator)])
    embeddings = F.normalize(torch.randn(n, d, generator=generator), dim=1).requires_grad_()
    radius = torch.tensor(0.1, requires_grad=True)

    def step(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        embeddings.grad = radius.grad = None
        loss(embeddings, labels, radius).backward()

    ways = losses(k)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, loss in ways.items():
            step(loss)
            start = time.thread_time()
            for _ in range(CALLS):
                step(loss)
            found[name].append(1e6 * (time.thread_time() - start) / CALLS)
    return {name: (min(times), float(np.median(times))) for name, times in found.items()}


def main() -> None:
    torch.set_num_threads(1)
    tables = [measure(*batch) for batch in BATCHES]
    rows = [
        [name, *(f"{least:.0f} ({median:.0f})" for least, median in (t[name] for t in tables))] for name in tables[0]
    ]
    heads = ["microseconds, least (median)", *(f"{n} x {d}, {k} classes" for n, d, k in BATCHES)]
    print(tabulate(rows, heads, tablefmt="github"))


if __name__ == "__main__":
    main()
