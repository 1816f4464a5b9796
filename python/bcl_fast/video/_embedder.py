"""Embeddings of faces made beside the work that finds them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache

import numpy as np

from bcl_fast._utils.processes import interrupts_held, process_pool
from bcl_fast.errors import InputError
from bcl_fast.video._cutout import Cutout
from bcl_fast.video._recognizer import Floats, Recognizer, open_recognizer

_BATCH = 8  # faces that a network gets at once


class Embedder:
    """Takes faces one by one, and gives their embeddings in the same order.

    Parameters
    ----------
    recognizer : str
        As for `open_recognizer`.
    device : str
    pool : Executor, optional
        Where the network runs; by default here, when the embeddings are asked for.
    """

    def __init__(self, recognizer: str, device: str, pool: Executor | None = None) -> None:
        self._recognizer, self._device, self._pool = recognizer, device, pool
        self._waiting: list[Cutout] = []
        self._batches: list[Future[Floats]] = []

    def add(self, face: Cutout) -> None:
        """Take a face."""
        self._waiting.append(face)
        if len(self._waiting) == _BATCH:
            self._send()

    def collect(self) -> list[Floats]:
        """Return the embeddings of all faces since this was last asked for."""
        if self._waiting:
            self._send()
        batches, self._batches = self._batches, []
        try:
            return [embedding for batch in batches for embedding in batch.result()]
        except BrokenProcessPool:
            raise InputError("the process that recognises faces was ended from outside, perhaps for want of memory") from None

    def _send(self) -> None:
        faces, self._waiting = self._waiting, []
        if self._pool is not None:
            self._batches.append(self._pool.submit(_embed, self._recognizer, self._device, faces))
            return
        done: Future[Floats] = Future()
        done.set_result(_embed(self._recognizer, self._device, faces))
        self._batches.append(done)


@lru_cache(maxsize=1)
def _opened(recognizer: str, device: str) -> Recognizer:
    return open_recognizer(recognizer, device)


def _embed(recognizer: str, device: str, faces: list[Cutout]) -> Floats:
    return np.asarray(_opened(recognizer, device).embed(faces), dtype=np.float32)


@contextmanager
def embedding_process(wanted: bool) -> Iterator[Executor | None]:
    """Start a process for a network that would hold up everything else in this one; None where none is wanted."""
    if not wanted:
        yield None
        return
    with process_pool(1) as pool:
        with interrupts_held():
            pool.submit(int)
        yield pool
