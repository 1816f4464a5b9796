"""Complete linkage by workers of other processes: what is checked, and what they make of the rows that they read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.devices import cuda_device
from bcl_fast._utils.threads import n_threads
from bcl_fast.cluster._constraints import Constraints
from bcl_fast.cluster._cut import Merges
from bcl_fast.cluster._input import check_points, rung_memory
from bcl_fast.cluster._metric import Metric, from_squared_euclidean, to_squared_euclidean
from bcl_fast.cluster._progress import OnProgress, core_progress
from bcl_fast.distributed import ParquetPoints, RayEngine
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    import torch


@contextmanager
def merging_on_workers(
    engine: RayEngine,
    source: Any,
    metric: Metric,
    constraints: Constraints,
    memory_limit: int | None,
    n_jobs: int | None,
    progress: OnProgress | None,
) -> Iterator[Callable[[float], Merges]]:
    """Connect to workers; what comes merges up to a threshold, with the bits of `bcl_fast.cluster._merge.merge_points`.

    ``source`` is a `ParquetPoints`, or points that `check_points` returned.

    Raises
    ------
    InputError
        If the memory limit is too low for any work.
    """
    dtype = np.dtype(np.float64) if metric == "cosine" else source.dtype
    memory = rung_memory(np.broadcast_to(np.zeros((), dtype), source.shape), None)
    from bcl_fast.distributed._linkage import link
    from bcl_fast.distributed._work import Work, memory_of_task
    from bcl_fast.distributed._workers import workers_of

    of_task = memory_of_task(memory_limit, source.shape, dtype.itemsize, memory.max_pairs)
    with workers_of(engine, n_threads(n_jobs), memory_limit) as workers:

        def merge(threshold: float) -> Merges:
            _, squared = to_squared_euclidean(np.empty((0, 1)), threshold, metric)
            work = Work(
                source,
                partial(prepared, metric=metric),
                source.shape,
                squared,
                memory.max_pairs,
                memory.max_dense_pairs,
                *constraints,
                of_task,
            )
            merges, labels = link(workers, work, n_threads(n_jobs), core_progress(progress))
            merges[:, 2] = from_squared_euclidean(merges[:, 2], metric)
            return merges, labels

        yield merge


def as_points_of_one(X: npt.ArrayLike | ParquetPoints) -> npt.ArrayLike:
    """Return points that one process has; refuse those that no worker is there to read."""
    if isinstance(X, ParquetPoints):
        raise InputError("a ParquetPoints is read by workers: give engine='ray', or the points as an array")
    return X


def prepared(rows: npt.NDArray[Any], first: int, metric: Metric) -> npt.NDArray[Any]:
    """Return rows as the core takes them: checked, and in the metric's form. ``first`` is the number of the first."""
    return to_squared_euclidean(check_points(rows, first), 0.0, metric)[0]


def check_kind(linkage: str, metric: str, device: str | torch.device) -> None:
    """Refuse what workers cannot do."""
    if linkage != "complete":
        raise InputError(
            "engine='ray' is for complete linkage: average linkage merges by the means of all clusters, which one "
            f"process must hold, got linkage {linkage!r}"
        )
    if metric == "precomputed":
        raise InputError("engine='ray' is for vectors, got metric 'precomputed'")
    if cuda_device(device) >= 0:
        raise InputError(f"engine='ray' computes on CPUs, got device {device!r}")
