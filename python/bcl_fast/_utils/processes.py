"""Pieces of work in several processes, which end with the run that started them, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from bcl_fast._utils.threads import available_cores
from bcl_fast.errors import InputError

Job = tuple[str, Callable[..., None], tuple[Any, ...]]  # what it is, a function of a module, its arguments


def in_processes(jobs: Sequence[Job], n_jobs: int) -> Iterator[str]:
    """Do jobs, several at once where asked, and yield what each was as it ends.

    A job that fails, Ctrl-C or a kill of this process ends the others at once.
    """
    if n_jobs == 1 or len(jobs) < 2:
        for name, function, arguments in jobs:
            function(*arguments)
            yield name
        return
    with _threads_of_children(n_jobs), process_pool(min(n_jobs, len(jobs))) as pool:
        with interrupts_held():
            running = {pool.submit(function, *arguments): name for name, function, arguments in jobs}
            pool.submit(int)  # wakes the pool's thread, which watches only processes that it saw when it last woke
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                _check(future, running[future])
                yield running.pop(future)


def _check(future: Future[None], name: str) -> None:
    try:
        future.result()
    except BrokenProcessPool:
        raise InputError(
            f"a process was ended from outside, perhaps for want of memory, at the latest in: {name}"
        ) from None


@contextmanager
def process_pool(n_processes: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that end when this one closes a pipe, as the system does for it when it is killed."""
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    with ProcessPoolExecutor(n_processes, context, initializer=_end_with, initargs=(watched,)) as pool:
        try:
            yield pool
        except BaseException:
            held.close()
            raise
    held.close()


def _end_with(pipe: Connection) -> None:
    """End this process when the other end of a pipe is closed, whatever it is doing."""

    def watch() -> None:
        pipe.poll(None)  # nothing is ever sent
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes without Ctrl-C, which a terminal sends to all of them: this one gets it and ends the others."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # processes inherit the mask
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _threads_of_children(n_jobs: int) -> Iterator[None]:
    """Share the cores out among processes that start meanwhile; each reads its threads from the environment."""
    name, before = "OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS")
    os.environ[name] = str(max(1, available_cores() // n_jobs))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
