"""How far a long call is, for those who want to know."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from bcl_fast.errors import InputError


class Progress(NamedTuple):
    """How far a clustering is.

    Attributes
    ----------
    stage : {"pairs", "merges", "done"}
        Looking for the closest pairs of clusters, or merging along them; the two take turns.
    n_clusters : int
        Clusters that the stage looks at; samples at first.
    share : float
        Share of the whole work that is done, 0 to 1. What is yet to come is a guess: the share may jump forward, but it
        never falls.
    seconds_left : float
        Time until the end at the pace so far; infinite at the start.
    """

    stage: str
    n_clusters: int
    share: float
    seconds_left: float


OnProgress = Callable[[Progress], Any]


def core_progress(on_progress: OnProgress | None) -> Callable[[str, int, float], None] | None:
    """Return what the core calls with the stage, the clusters and the share: a clock from now on; None for None."""
    if on_progress is None:
        return None
    if not callable(on_progress):
        raise InputError(f"progress must be None or a function of one Progress, got {on_progress!r}")
    start_seconds = time.perf_counter()

    def tell(stage: str, n_clusters: int, share: float) -> None:
        elapsed = time.perf_counter() - start_seconds
        left = elapsed * (1 - share) / share if share > 0 else float("inf")
        on_progress(Progress(stage, n_clusters, share, left))

    return tell
