"""What both linkages do: check the arguments, let the core merge, and cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from bcl_fast import _core
from bcl_fast._utils.devices import cuda_device
from bcl_fast.cluster._constraints import Constraints, resolve_constraints
from bcl_fast.cluster._cut import Cut, Merges
from bcl_fast.cluster._execution import core_execution
from bcl_fast.cluster._input import check_memory_limit, check_points, owns, rung_memory
from bcl_fast.cluster._metric import Metric, check_metric, from_squared_euclidean, to_squared_euclidean
from bcl_fast.cluster._precomputed import check_dissimilarities, merge_dissimilarities
from bcl_fast.cluster._progress import OnProgress
from bcl_fast.cluster._result import CompleteLinkage
from bcl_fast.cluster._workers import as_points_of_one, check_kind, merging_on_workers
from bcl_fast.distributed import ParquetPoints
from bcl_fast.distributed._engine import Engine, resolve_engine
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    import torch

LinkageName = Literal["complete", "average"]

LARGEST_AVERAGED = 2.0**330  # about 1e99


def check_linkage(linkage: str, metric: str = "sqeuclidean") -> None:
    """Refuse anything but the two linkages, and a metric whose means cannot be had from the means of clusters."""
    if not isinstance(linkage, str) or linkage not in ("complete", "average"):
        raise InputError(f"linkage must be 'complete' or 'average', got {linkage!r}")
    check_metric(metric)
    if linkage == "average" and metric not in ("sqeuclidean", "cosine"):
        raise InputError(
            "average linkage needs the metric 'sqeuclidean' or 'cosine', whose mean between two clusters follows from "
            f"the clusters' means, got {metric!r}"
        )


def link(
    X: npt.ArrayLike | ParquetPoints,
    linkage: LinkageName,
    cut: Cut,
    *,
    metric: Metric,
    must_link: npt.ArrayLike | None,
    cannot_link: npt.ArrayLike | None,
    memory_limit: int | None,
    n_jobs: int | None,
    progress: OnProgress | None,
    device: str | torch.device,
    engine: Engine = "local",
) -> tuple[CompleteLinkage, float]:
    """Return labels, merges and the number of clusters, and up to which distance clusters were merged.

    The arguments are those of `complete_linkage`.
    """
    check_linkage(linkage, metric)
    check_memory_limit(memory_limit)
    core_execution(n_jobs, progress, device)  # refuses what it will refuse below
    on_workers = resolve_engine(engine)
    if on_workers is not None:
        check_kind(linkage, metric, device)
    else:
        X = as_points_of_one(X)
    precomputed = metric == "precomputed"
    if precomputed and cuda_device(device) >= 0:
        raise InputError(f"precomputed dissimilarities are clustered on the CPU alone, got device {device!r}")
    points = _checked(X, precomputed=precomputed)
    n_samples = points.shape[0]
    cut.check_samples(n_samples)
    constraints = resolve_constraints(must_link, cannot_link, n_samples)
    if on_workers is not None:
        with merging_on_workers(on_workers, points, metric, constraints, memory_limit, n_jobs, progress) as merge_there:
            return cut.make(merge_there)
    copied = 0 if precomputed or not owns(points, X) else points.nbytes

    def merge(threshold: float) -> Merges:
        execution = core_execution(n_jobs, progress, device)
        if precomputed:
            return merge_dissimilarities(points, threshold, constraints, memory_limit, execution)
        return merge_points(points, linkage, threshold, metric, constraints, memory_limit, execution, bytes_used=copied)

    return cut.make(merge)


def _checked(X: npt.ArrayLike | ParquetPoints, *, precomputed: bool) -> Any:
    if isinstance(X, ParquetPoints):
        return X  # whoever reads the rows checks them
    return check_dissimilarities(X) if precomputed else check_points(X)


def merge_points(
    points: npt.NDArray[Any],
    linkage: LinkageName,
    threshold: float,
    metric: str,
    constraints: Constraints,
    memory_limit: int | None,
    execution: _core.Execution,
    n_apart: int = 0,
    bytes_used: int = 0,
) -> Merges:
    """Merge points that `check_points` returned: merges with heights in the metric's unit, and labels.

    Of the must-link groups the first ``n_apart`` never share a cluster. ``bytes_used`` of the memory limit are taken.
    """
    scaled, squared = to_squared_euclidean(points, threshold, metric)
    scale = _scale_for_means(scaled) if linkage == "average" else 1.0
    if scale != 1.0:
        scaled = scaled * scale
    copied = bytes_used + (0 if scaled is points else scaled.nbytes)
    memory = rung_memory(scaled, memory_limit, copied, means=linkage == "average")
    merge = _core.complete_linkage if linkage == "complete" else _core.average_linkage
    threshold = squared * scale * scale
    merges, labels = merge(
        scaled, threshold, memory.max_pairs, *constraints, execution, memory.may_copy, n_apart, memory.max_dense_pairs
    )
    merges[:, 2] /= scale * scale
    merges[:, 2] = from_squared_euclidean(merges[:, 2], metric)
    return merges, labels


def _scale_for_means(points: npt.NDArray[Any]) -> float:
    """Return a power of two that keeps the core, which multiplies squared distances by squared sizes, from overflow."""
    largest = max(-float(points.min(initial=0)), float(points.max(initial=0)))
    return 1.0 if largest < LARGEST_AVERAGED else 1 / LARGEST_AVERAGED
