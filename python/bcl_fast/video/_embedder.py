"""Embeddings of faces made beside the work that finds them."""

from __future__ import annotations

from concurrent.futures import Executor, Future

from bcl_fast._utils.types import Floats
from bcl_fast.video._cutout import Cutout
from bcl_fast.video._recognizer import Recognizer

_BATCH = 8  # faces that a network gets at once


class Embedder:
    """Takes faces one by one, and gives their embeddings in the same order.

    Parameters
    ----------
    recognizer : Recognizer
    pool : Executor
        A thread, in which the network runs.
    """

    def __init__(self, recognizer: Recognizer, pool: Executor) -> None:
        self._recognizer, self._pool = recognizer, pool
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
        return [embedding for batch in batches for embedding in batch.result()]

    def _send(self) -> None:
        faces, self._waiting = self._waiting, []
        self._batches.append(self._pool.submit(self._recognizer.embed, faces))
