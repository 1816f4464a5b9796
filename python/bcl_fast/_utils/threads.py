"""How many threads or processes: what the caller asks for, within what this process may use."""

from __future__ import annotations

import os

import numpy as np

from bcl_fast.errors import InputError


def n_threads(n_jobs: int | None) -> int:
    """Return the number of threads, 0 for the core's own default."""
    if n_jobs is None:
        return 0
    if n_jobs == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(n_jobs, (int, np.integer)) or n_jobs < 1:
        raise InputError(f"n_jobs must be None, -1 or >= 1, got {n_jobs!r}")
    return int(n_jobs)


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
