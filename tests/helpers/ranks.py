"""Processes with a group of ``torch.distributed`` between them, started once and given one function after the other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch.distributed as dist

from tests.helpers.processes import HANG_SECONDS


class Failure(Exception):
    """What a function raised in a process: the name of its type, and what it said."""


class Ranks:
    """Calls ``function(group, *arguments)`` in some of the processes at once; it must be one of a module."""

    def __init__(self, pipes: list[Any]) -> None:
        self._pipes = pipes

    def __call__(self, function: Callable[..., Any], *arguments: Any, size: int = 2) -> list[Any]:
        """Return what each of the first ``size`` processes returned, or the `Failure` that ended its call."""
        for pipe in self._pipes:
            pipe.send((function, arguments, size))
        answers = []
        for pipe in self._pipes[:size]:
            assert pipe.poll(HANG_SECONDS), "the processes wait for each other"
            answers.append(pipe.recv())
        return answers

    def failures(self, function: Callable[..., Any], *arguments: Any, size: int = 2) -> list[str]:
        """Return what each process raised, which all must do."""
        answers = self(function, *arguments, size=size)
        assert all(isinstance(answer, Failure) for answer in answers), answers
        return [str(answer) for answer in answers]


@contextmanager
def running_ranks(size: int, folder: Path) -> Iterator[Ranks]:
    """Start processes that end with the block; ``folder`` is where they find each other."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(size)]
    store = f"file://{folder / 'store'}"
    processes = [spawn.Process(target=_serve, args=(rank, size, store, pipes[rank][1])) for rank in range(size)]
    for process in processes:
        process.start()
    try:
        yield Ranks([ours for ours, _ in pipes])
    finally:
        for process in processes:
            process.kill()
            process.join()


def _serve(rank: int, size: int, store: str, pipe: Any) -> None:
    timeout = timedelta(seconds=HANG_SECONDS / 2)
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=size, timeout=timeout)
    groups = {n: dist.new_group(list(range(n))) for n in range(1, size)} | {size: dist.group.WORLD}
    while True:
        function, arguments, n = pipe.recv()
        if rank < n:
            pipe.send(_answer(function, groups[n], arguments))


def _answer(function: Callable[..., Any], group: Any, arguments: tuple[Any, ...]) -> Any:
    try:
        return function(group, *arguments)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")
