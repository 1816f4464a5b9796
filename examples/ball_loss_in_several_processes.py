"""BallLoss in DistributedDataParallel: the loss of the batch of all processes, on CPUs (gloo) or GPUs (NCCL).

torchrun --nproc-per-node 2 examples/ball_loss_in_several_processes.py
"""

from __future__ import annotations

import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from bcl_fast import BallLoss


def make_points(n_classes: int, per_class: int, generator: torch.Generator) -> TensorDataset:
    """Ten informative dimensions hidden in thirty that are the same for everyone."""
    labels = torch.arange(n_classes).repeat_interleave(per_class)
    centers = torch.randn(n_classes, 10, generator=generator)
    own = centers[labels] + 0.2 * torch.randn(len(labels), 10, generator=generator)
    return TensorDataset(torch.cat([own, 2 * torch.randn(len(labels), 30, generator=generator)], dim=1), labels)


def join() -> torch.device:
    """Join the processes that torchrun started; each takes a GPU of its own, if there is one for it."""
    number = int(os.environ["LOCAL_RANK"])
    if torch.cuda.device_count() < int(os.environ["LOCAL_WORLD_SIZE"]):
        dist.init_process_group("gloo")
        return torch.device("cpu")
    torch.cuda.set_device(number)
    dist.init_process_group("cpu:gloo,cuda:nccl")
    return torch.device("cuda", number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()

    device = join()
    points = make_points(200, 20, torch.Generator().manual_seed(0))
    # Each process loads its part of a batch of 500.
    sampler = DistributedSampler(points, seed=0)
    loader = DataLoader(points, batch_size=500 // dist.get_world_size(), sampler=sampler)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(40, 128), nn.ReLU(), nn.Linear(128, 32)).to(device)
    network = DistributedDataParallel(network)
    # DistributedDataParallel averages the network's gradients, hence the second argument. The radius has its whole
    # gradient in every process, so it needs no wrapping, and stays the same everywhere.
    loss = BallLoss(process_group="world", averaged_gradients=True).to(device)
    groups = [{"params": network.parameters()}, {"params": loss.parameters(), "lr": 0.003}]
    optimizer = torch.optim.Adam(groups, lr=0.002)
    for epoch in range(1, options.epochs + 1):
        sampler.set_epoch(epoch)
        for rows, labels in loader:
            value = loss(network(rows.to(device)), labels.to(device))
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        if epoch % 10 == 0 and dist.get_rank() == 0:
            print(f"epoch {epoch}: loss {value.item():.4f}, squared radius {loss.squared_radius.item():.4f}")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
