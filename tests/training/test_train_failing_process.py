"""A process that fails in the middle of an epoch ends the others where they wait for it, each with one sentence."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.helpers.processes import killed_at_last

# Each process ends by itself: what it waits for when it fails does not keep it.
PROGRAM = """
import sys, warnings
from datetime import timedelta

import torch
import torch.distributed as dist

warnings.simplefilter("ignore")  # of torch, about its own threads

from bcl_fast.training import train
from bcl_fast.training._step import Steps
from tests.helpers.training import SMALL, noisy

where, rank, size, store = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4]
dist.init_process_group(
    "gloo", init_method=f"file://{store}", rank=rank, world_size=size, timeout=timedelta(hours=2)
)


def fail(*_):
    if where == "loss":
        raise KeyboardInterrupt
    raise OSError(f"features.npy: the {where}\\nis gone")


def in_the_second(epoch, done, n_batches):
    if (epoch, done) == (2, 2):
        fail()


options = {}
if rank == 1:
    if where == "gradient":  # the others wait for it, not for the loss
        torch.Tensor.backward = fail
    elif where == "loss":  # between two of its exchanges
        from bcl_fast.losses import _ball_loss_processes

        _ball_loss_processes._Stages.margins = fail
    else:
        options["on_batch"] = in_the_second
try:
    train(noisy(16), recipe=SMALL, process_group="world", **options)
finally:
    print("ended", file=sys.stderr)
"""


@pytest.mark.parametrize("where", ["callback", "gradient", "loss"])
def test_a_process_that_fails_ends_the_others(where: str, tmp_path: Path) -> None:
    size = 3 if where == "gradient" else 2
    commands = [
        [sys.executable, "-c", PROGRAM, where, str(rank), str(size), str(tmp_path / "store")] for rank in range(size)
    ]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(killed_at_last(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)))
            for command in commands
        ]
        said = [process.communicate()[1].splitlines() for process in processes]
    reason = "KeyboardInterrupt" if where == "loss" else f"features.npy: the {where} is gone"
    elsewhere = f"bcl_fast._utils.process_group.FailedElsewhere: process 1 failed: {reason}"
    for rank, (process, lines) in enumerate(zip(processes, said, strict=True)):
        assert process.returncode not in (0, -9), lines
        assert "ended" in lines
        assert rank == 1 or lines[-1] == f"[rank{rank}]: {elsewhere}", lines  # as torch shows it
