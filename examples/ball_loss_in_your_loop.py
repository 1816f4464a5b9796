"""Use BallLoss in a training loop of your own: any network, any optimiser; only the loss and its radius are ours.

python examples/ball_loss_in_your_loop.py --epochs 40
"""

from __future__ import annotations

import argparse

import torch
from torch import nn
from torch.nn import functional

from bcl_fast import BallLoss, complete_linkage
from bcl_fast.evaluation import normalized_mutual_information


def make_points(n_classes: int, per_class: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten informative dimensions hidden in thirty that are the same for everyone."""
    labels = torch.arange(n_classes).repeat_interleave(per_class)
    centers = torch.randn(n_classes, 10, generator=generator)
    own = centers[labels] + 0.2 * torch.randn(len(labels), 10, generator=generator)
    return torch.cat([own, 2 * torch.randn(len(labels), 30, generator=generator)], dim=1), labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()

    generator = torch.Generator().manual_seed(0)
    points, labels = make_points(200, 20, generator)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(40, 128), nn.ReLU(), nn.Linear(128, 32))
    loss = BallLoss()
    # The squared radius is a parameter of the loss: give it to the optimiser, at a rate of its own.
    groups = [{"params": network.parameters()}, {"params": loss.parameters(), "lr": 0.003}]
    optimizer = torch.optim.Adam(groups, lr=0.002)
    for epoch in range(1, options.epochs + 1):
        for batch in torch.randperm(len(points), generator=generator).split(500):
            value = loss(functional.normalize(network(points[batch]), dim=1), labels[batch])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {value.item():.3f}, squared radius {loss.squared_radius.item():.4f}")

    unseen, truth = make_points(30, 20, generator)
    with torch.no_grad():
        embeddings = functional.normalize(network(unseen), dim=1).numpy()
    clusters = complete_linkage(embeddings, float(loss.distance_threshold.detach()))
    score = normalized_mutual_information(truth.numpy(), clusters.labels)
    print(f"{len(truth)} new points of 30 classes: {clusters.n_clusters} clusters, NMI {score:.3f}")


if __name__ == "__main__":
    main()
