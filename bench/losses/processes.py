"""What the ball loss of several processes costs, beside one process and beside gathering all embeddings.

torchrun --nproc-per-node 2 -m bench.losses.processes
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor

from bcl_fast import BallLoss
from bench.losses.bench_ball_loss import SIZES

ROUNDS = 40


def make_batch(n: int, d: int, k: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    embeddings = F.normalize(torch.randn(n, d, generator=generator), dim=1)
    return embeddings, torch.randint(0, k, (n,), generator=generator)


def gathered(loss: BallLoss, embeddings: Tensor, labels: Tensor) -> None:
    """Gather what all processes have, and compute the whole loss in each; the other way that is exact."""
    size = dist.get_world_size()
    parts = [[torch.empty_like(part) for _ in range(size)] for part in (embeddings, labels)]
    dist.all_gather(parts[0], embeddings.detach())
    dist.all_gather(parts[1], labels)
    parts[0][dist.get_rank()] = embeddings
    loss(torch.cat(parts[0]), torch.cat(parts[1])).backward()


def least_times(ways: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """Milliseconds by the clock, and of processor time in this process: the least of rounds that take turns."""
    found = {name: (float("inf"), float("inf")) for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            dist.barrier()
            clock, processor = time.perf_counter(), time.process_time()
            way()
            taken = (1e3 * (time.perf_counter() - clock), 1e3 * (time.process_time() - processor))
            found[name] = (min(found[name][0], taken[0]), min(found[name][1], taken[1]))
    return found


def exchanged_kilobytes(n_classes: int, n_features: int) -> float:
    """What a process adds to the exchanges: class sums, gradients of centroids, labels."""
    return (n_classes * (2 * n_features + 2) * 4 + n_classes * 8) / 1e3


def measure(n: int, d: int, k: int) -> list[object]:
    embeddings, labels = make_batch(n, d, k)
    rank, size = dist.get_rank(), dist.get_world_size()
    part = slice(rank * n // size, (rank + 1) * n // size)
    whole, mine, classes = embeddings.clone().requires_grad_(), embeddings[part].clone().requires_grad_(), labels[part]
    alone, together = BallLoss(num_classes=k), BallLoss(num_classes=k, process_group="world")
    ways = {
        "whole": lambda: alone(whole, labels).backward() if rank == 0 else None,
        "share": lambda: alone(mine, classes).backward(),
        "together": lambda: together(mine, classes).backward(),
        "gathered": lambda: gathered(alone, mine, classes),
    }
    times = least_times(ways)
    shown = [f"{clock:.2f} ({processor:.2f})" for clock, processor in times.values()]
    return [f"{n} x {d}, {k}", *shown, f"{exchanged_kilobytes(k, d):.0f}", f"{n * d * 4 / 1e3:.0f}"]


def main() -> None:
    dist.init_process_group("gloo")
    torch.set_num_threads(1)
    rows = [measure(*size) for size in SIZES]
    if dist.get_rank() == 0:
        what = "milliseconds forward and backward, by the clock (processor)"
        print(f"{dist.get_world_size()} processes of one thread; {what}")
        heads = ["batch", "whole, one process", "a share alone", "together", "gathered", "kB together", "kB gathered"]
        print(tabulate(rows, heads, tablefmt="github"))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
