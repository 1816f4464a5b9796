"""A command that ``torchrun`` has started in several processes: one of them speaks, and they end together."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from bcl_fast._utils.process_group import WORLD, FailedElsewhere, LostProcesses, Processes

# A process that is gone closes its connections, which ends the others at once. Until then they may wait for long: for
# the largest fold, for a validation.
_TIMEOUT = timedelta(days=2)
_SHORT = timedelta(seconds=20)  # to hear whether another process has spoken


class Run(NamedTuple):
    """What a command knows of the processes it runs in."""

    group: str | None
    device: str
    processes: Processes


@contextmanager
def run_of_torchrun(device: str) -> Iterator[Run]:
    """Join the processes that ``torchrun`` started, if it did; this one alone otherwise.

    Parameters
    ----------
    device : str
        ``"cuda"`` becomes the GPU of this process's number on its machine.
    """
    if not _is_one_of_many():
        yield Run(None, device, Processes())
        return
    import torch.distributed as dist

    device = _join(device)
    processes = Processes(WORLD)
    with warnings.catch_warnings(), _told_to_end():
        if not processes.writes:
            warnings.simplefilter("ignore")  # the first process draws the same ones
        yield Run(WORLD, device, processes)
    dist.destroy_process_group()


def speaks_of_failure(error: BaseException | None = None) -> bool:
    """Whether this process is to say why it fails: of several the first that does, and not one that others end."""
    if not _is_one_of_many():
        return True
    if isinstance(error, FailedElsewhere):
        return False
    from torch.distributed.rendezvous import rendezvous

    try:
        store = next(rendezvous("env://", timeout=_SHORT))[0]
        return bool(store.add("bcl_fast/failures", 1) == 1)
    except RuntimeError:  # the store is gone, and with it torchrun: nobody else can tell
        return True


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Let SIGTERM, which ``torchrun`` sends where another process has ended, tidy up as any failure does."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
        raise LostProcesses("this process was told to end: another one was killed or has failed, or all were told to")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except BaseException:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # this process ends anyway, once it has said why
        raise
    signal.signal(signal.SIGTERM, before)


def _is_one_of_many() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE") != "1"


def _join(device: str) -> str:
    import torch
    import torch.distributed as dist

    backend = "gloo"
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    if device != "cpu":
        from bcl_fast._utils.devices import torch_device

        torch.cuda.set_device(torch_device(device))
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=_TIMEOUT)
    return device
