"""Ball loss, forward and backward: ours, plain vectorised PyTorch, and that under torch.compile."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bcl_fast import BallLoss

# (n_samples, n_features, n_classes): a small batch, the paper's, a large one.
SIZES = [(500, 64, 150), (2_000, 64, 450), (8_192, 128, 1_024)]


def ball_loss_eager(embeddings: Tensor, labels: Tensor, raw_radius: Tensor, num_classes: int) -> Tensor:
    """As one would write it: all distances by one matrix product, no loop. Every class is present in the benchmark."""
    squared_radius = F.softplus(raw_radius)
    sums = embeddings.new_zeros(num_classes, embeddings.shape[1]).index_add(0, labels, embeddings)
    centroids = F.normalize(sums, dim=1)
    squares = embeddings.square().sum(1, keepdim=True) + centroids.square().sum(1)
    distances = squares - 2 * embeddings @ centroids.T
    own = labels[:, None]
    own_distance = distances.gather(1, own)
    nearest_other = distances.scatter(1, own, float("inf")).amin(1)
    return 4 * F.relu(own_distance - squared_radius).mean() + F.relu(9 * squared_radius + 0.05 - nearest_other).mean()


def make_loss(implementation: str, num_classes: int):
    loss = BallLoss(num_classes=num_classes)
    if implementation == "bcl_fast":
        return loss
    function = torch.compile(ball_loss_eager, fullgraph=True) if implementation == "torch.compile" else ball_loss_eager
    return lambda embeddings, labels: function(embeddings, labels, loss.raw_radius, num_classes)


@pytest.mark.benchmark(
    group="ball loss, forward + backward", min_rounds=30, max_time=4, warmup=True, warmup_iterations=5
)
@pytest.mark.parametrize(("n", "d", "k"), SIZES)
@pytest.mark.parametrize("implementation", ["bcl_fast", "eager PyTorch", "torch.compile"])
def bench_ball_loss(benchmark, implementation: str, n: int, d: int, k: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.cat([torch.arange(k), torch.randint(0, k, (n - k,), generator=generator)])
    embeddings = F.normalize(torch.randn(n, d, generator=generator), dim=1).requires_grad_()
    loss = make_loss(implementation, k)

    def step() -> Tensor:
        embeddings.grad = None
        value = loss(embeddings, labels)
        value.backward()
        return value

    value = benchmark(step)
    wanted = ball_loss_eager(embeddings, labels, torch.tensor(0.1), k)
    torch.testing.assert_close(value, wanted, rtol=1e-4, atol=1e-5)
    benchmark.extra_info.update(n=n, d=d, k=k, threads=torch.get_num_threads(), flops=2 * n * d * k)
