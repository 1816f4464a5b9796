"""The compiled core (csrc/bindings). Not a public interface."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_Points = npt.NDArray[np.float32] | npt.NDArray[np.float64]
_Progress = Callable[[str, int, float], Any]

def cuda_version() -> int: ...
def cuda_device_count() -> int: ...
def simd_path() -> str: ...
def simd_paths() -> list[str]: ...
def default_threads() -> int: ...

class Execution:
    def __init__(self, n_threads: int = 0, progress: _Progress | None = None, cuda_device: int = -1) -> None: ...

def radius_graph(
    points: _Points,
    distance_threshold: float,
    execution: Execution = ...,
    directions: int = -1,
    group_offsets: Sequence[int] = ...,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32], float, int]: ...
def candidate_pairs(
    points: npt.NDArray[np.float64],
    spreads: npt.NDArray[np.float64],
    distance_threshold: float,
    directions: int = -1,
    group_offsets: Sequence[int] = ...,
    execution: Execution = ...,
) -> npt.NDArray[np.int32]: ...
def graph_linkage(
    offsets: npt.NDArray[np.int64],
    neighbors: npt.NDArray[np.int32],
    distances: npt.NDArray[np.float64],
    execution: Execution = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def dense_linkage(
    distances: _Points,
    n: int,
    linkage: str,
    distance_threshold: float,
    must_link_groups: npt.NDArray[np.int32] | None,
    cannot_link: npt.NDArray[np.int32],
    execution: Execution = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def condense(
    square: _Points, relative: float, scale: float, execution: Execution = ...
) -> tuple[_Points, tuple[int, int] | None]: ...
def complete_linkage(
    points: _Points,
    distance_threshold: float,
    max_pairs: int,
    must_link_groups: npt.NDArray[np.int32] | None,
    cannot_link: npt.NDArray[np.int32],
    execution: Execution = ...,
    may_copy: bool = True,
    n_apart: int = 0,
    max_dense_pairs: int = 0,
    fewest_grouped: int = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def average_linkage(
    points: _Points,
    distance_threshold: float,
    max_pairs: int,
    must_link_groups: npt.NDArray[np.int32] | None,
    cannot_link: npt.NDArray[np.int32],
    execution: Execution = ...,
    may_copy: bool = True,
    n_apart: int = 0,
    max_dense_pairs: int = 0,
    fewest_grouped: int = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...
def assign(
    points: _Points,
    n_new: int,
    clusters: npt.NDArray[np.int32],
    distance_threshold: float,
    execution: Execution = ...,
    linkage: str = "complete",
) -> npt.NDArray[np.int64]: ...
def closest_pairs(
    points: _Points,
    clusters: npt.NDArray[np.int32],
    ranks: Sequence[int] | npt.NDArray[np.int32],
    group_offsets: Sequence[int] | npt.NDArray[np.int64],
    n_rows: int,
    distance_threshold: float,
    largest: float,
    max_pairs: int,
    cannot_link: npt.NDArray[np.int32],
    execution: Execution = ...,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32], bool]: ...
def exact_distances(
    points: _Points,
    clusters: npt.NDArray[np.int32],
    n_clusters: int,
    pairs: npt.NDArray[np.int32],
    execution: Execution = ...,
) -> npt.NDArray[np.float64]: ...
def guess_reach(
    points: _Points,
    clusters: npt.NDArray[np.int32],
    rows: Sequence[int],
    columns: Sequence[int],
    distance_threshold: float,
    n_clusters: int,
    max_pairs: int,
    execution: Execution = ...,
) -> float: ...
def row_hashes(points: _Points, execution: Execution = ...) -> npt.NDArray[np.uint64]: ...
def point_groups(
    points: _Points, radius: float, n_all: int = 0, execution: Execution = ...
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]: ...
def nearest_groups(
    points: _Points, n_centers: int, radius: float, execution: Execution = ...
) -> npt.NDArray[np.int32]: ...
def constrained_points(
    n: int, must_link_groups: npt.NDArray[np.int32] | None, cannot_link: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]: ...

class PairPool:
    def __init__(self, max_pairs: int, largest: float) -> None: ...
    @property
    def largest(self) -> float: ...
    @property
    def size(self) -> int: ...
    @property
    def was_cut(self) -> bool: ...
    def add(self, distances: npt.NDArray[np.float64], pairs: npt.NDArray[np.int32], was_cut: bool) -> None: ...

class Rungs:
    def __init__(
        self,
        first_identical: npt.NDArray[np.int32],
        must_link_groups: npt.NDArray[np.int32] | None,
        max_pairs: int,
    ) -> None: ...
    @property
    def n_clusters(self) -> int: ...
    @property
    def fewest_of_guess(self) -> int: ...
    def labels(self) -> npt.NDArray[np.int32]: ...
    def sample(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], list[int], list[int]]: ...
    def merge(self, pool: PairPool, execution: Execution = ...) -> npt.NDArray[np.int32]: ...
    def add(self, distances: npt.NDArray[np.float64]) -> None: ...
    def share(self, pairs_done: float, merged: float) -> float: ...
    def result(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]: ...

def ball_loss(
    dtype: str,
    embeddings: int,
    labels: int,
    n_samples: int,
    n_features: int,
    cannot_link_offsets: int,
    cannot_link_labels: int,
    n_cannot_link: int,
    raw_radius: float,
    gradient: int,
    loss: int,
    summary: int,
    n_threads: int,
    num_classes: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
    normalize: bool,
) -> None: ...

class BallLossStages:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def class_sums(self, sums: int) -> None: ...
    def margins(self, sums: int, totals: int, centroid_gradients: int) -> None: ...
    def finish(self, totals: int, centroid_gradients: int, gradient: int, summary: int) -> None: ...

def ball_loss_stages(
    dtype: str,
    embeddings: int,
    labels: int,
    n_samples: int,
    n_features: int,
    n_classes: int,
    n_total: int,
    cannot_link_offsets: int,
    cannot_link_labels: int,
    n_cannot_link: int,
    raw_radius: float,
    n_threads: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
    normalize: bool,
) -> BallLossStages: ...
def check_class_lists(offsets: int, labels: int, n_labels: int, num_classes: int) -> None: ...
def ball_loss_backward(
    dtype: str, gradient: int, n_values: int, summary: int, factor: float, n_threads: int, out: int, raw_out: int
) -> None: ...

# What follows exists only where cuda_version() >= 0.

def ball_loss_cuda_scratch_bytes(dtype: str, n_samples: int, n_features: int, num_classes: int) -> int: ...
def ball_loss_cuda(
    dtype: str,
    embeddings: int,
    labels: int,
    n_samples: int,
    n_features: int,
    raw_radius: int,
    scratch: int,
    gradient: int,
    summary: int,
    device: int,
    stream: int,
    num_classes: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
) -> None: ...
def ball_loss_stages_cuda(
    dtype: str,
    embeddings: int,
    labels: int,
    n_samples: int,
    n_features: int,
    n_classes: int,
    n_total: int,
    raw_radius: int,
    scratch: int,
    device: int,
    stream: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
) -> BallLossStages: ...
def ball_loss_backward_cuda(
    dtype: str,
    gradient: int,
    n_values: int,
    summary: int,
    factor: int,
    out: int,
    raw_out: int,
    device: int,
    stream: int,
) -> None: ...
