"""How many threads or processes: what the caller asks for, within what this process may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError


def n_threads(n_jobs: int | None) -> int:
    """Return the number of threads, 0 for the core's own default.

    Parameters
    ----------
    n_jobs : int or None
        As in scikit-learn: -1 for all cores that the process may use, -2 for all but one, and so on.

    Raises
    ------
    InputError
        If it is 0 or no whole number.
    """
    if n_jobs is None:
        return 0
    try:
        wanted = whole_number("n_jobs", n_jobs)
    except InputError:
        wanted = 0
    if wanted == 0:
        raise InputError(f"n_jobs must be None or a whole number other than 0 (-1: all cores), got {brief(n_jobs)}")
    return wanted if wanted > 0 else max(1, available_cores() + 1 + wanted)


def available_cores() -> int:
    """Cores that this process may use: by its affinity and by the quota of its control group."""
    # Not effective_n_jobs: it answers 1 in a daemon and in a nested Parallel, where the core's threads are free to run.
    from joblib import cpu_count

    return int(cpu_count())


@contextmanager
def one_thread_of_torch() -> Iterator[None]:
    """Let torch compute with one thread: the result then depends on no number of threads, and small heads gain none."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
