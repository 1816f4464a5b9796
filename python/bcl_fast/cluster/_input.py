"""What clustering takes: points and memory, checked and brought into the core's form."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.arrays import as_array, is_sparse, is_tensor
from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.memory import free_memory
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError

LARGEST_COORDINATE = 1e150  # beyond, a squared distance may exceed float64

# A rung of the linkage holds this many pairs per sample, and some more for few samples: enough that every rung merges
# most of what it can, and no more memory than the samples take (csrc/linkage/README.md).
PAIRS_PER_SAMPLE, MORE_PAIRS = 12, 65_536
FEWEST_PAIRS_PER_SAMPLE = 1  # or there is no copy of the points, which would make most of the search needless
BYTES_PER_FEATURE = 8  # of a sample: a float32 copy, and the same in panels, or in bytes
# While pairs are searched for, and when they are merged as a graph: of a sample, its directions, clusters and merges;
# of a pair that is kept, for twice as many are found before the farther half is dropped.
BYTES_PER_SAMPLE_SEARCHED, BYTES_PER_PAIR_SEARCHED = 160, 32
BYTES_PER_SAMPLE_MERGED, BYTES_PER_PAIR_MERGED = 352, 80
BYTES_PER_DENSE_PAIR = 8
FEW_DENSE_BYTES, DENSE_PER_POINTS = 1 << 24, 16  # for all pairs: bytes, or as a multiple of the samples'
BYTES_PER_MEAN = 100  # sizes and spreads, beside a float64 mean for every two samples
MORE_BYTES = 2_000_000  # what each thread needs for itself, and samples of distances
UNASKED_BYTES = 64_000_000  # are there; to learn how much is free takes longer than clustering a few points


def check_points(X: npt.ArrayLike, first_row: int = 0) -> npt.NDArray[Any]:
    """Return X as a C-contiguous float32 or float64 matrix of finite numbers; its first row has this number."""
    if is_sparse(X):
        raise InputError("X must be a dense array of vectors, got a sparse matrix: distances want metric='precomputed'")
    points = as_array(X, "X")
    if points.ndim != 2:
        raise InputError(f"X must be 2-D (n_samples, n_features), got shape {points.shape}")
    if points.dtype.kind not in "fiub":
        raise InputError(f"X must be a dense array of real numbers, got dtype {points.dtype}")
    is_single = points.dtype.kind == "f" and points.dtype.itemsize <= 4
    points = np.require(points, np.float32 if is_single else np.float64, ["C", "A"])
    _check_values(points, first_row)
    _warn_of_distances(points)
    return points


def as_samples(X: Any) -> Any:
    """Return X as scikit-learn takes it: what it knows, with the names of columns, as it is, all else as an array."""
    known = (is_sparse(X) and not is_tensor(X)) or hasattr(X, "columns")
    return X if known or (isinstance(X, np.ndarray) and X.ndim != 1) else as_array(X, "X")


def owns(points: npt.NDArray[Any], X: Any) -> bool:
    """Whether points that were made of X have memory of their own."""
    return points is not X and points.base is None


def _warn_of_distances(points: npt.NDArray[Any]) -> None:
    """Say so where points look like the square matrix of distances that they may have been meant for."""
    n = len(points)
    if n < 3 or points.shape[1] != n or np.diagonal(points).any() or points.min() < 0:
        return
    if points.any() and np.allclose(points, points.T):
        warnings.warn(
            f"X ({n} x {n}, symmetric, >= 0, zeros on the diagonal) looks like a matrix of distances, and its rows are "
            "taken as vectors: give metric='precomputed' if they are distances",
            stacklevel=4,
        )


def _check_values(points: npt.NDArray[Any], first_row: int) -> None:
    if points.size == 0:
        return
    size = float(max(abs(points.min()), abs(points.max())))  # NaN if anything is; makes no copy of X
    if not np.isfinite(size):
        bad = ~np.isfinite(points)
        row = int(bad.any(axis=1).argmax())
        column = int(bad[row].argmax())
        raise InputError(f"X must be finite, got {points[row, column]} in row {first_row + row}, column {column}")
    if size > LARGEST_COORDINATE:
        raise InputError(
            f"X must lie within +-{LARGEST_COORDINATE:g}, for its squared distances overflow, got {size:g}"
        )


def check_memory_limit(memory_limit: int | None) -> None:
    """Refuse anything but None and a positive number of bytes."""
    if memory_limit is None:
        return
    try:
        positive = whole_number("memory_limit", memory_limit) >= 1
    except InputError:
        positive = False
    if not positive:
        raise InputError(f"memory_limit must be a positive number of bytes, got {brief(memory_limit)}")


class RungMemory(NamedTuple):
    """What the core may hold at once.

    Attributes
    ----------
    max_pairs : int
        Pairs of a rung of the linkage.
    may_copy : bool
        Whether there is room for a copy of the points.
    max_dense_pairs : int
        Pairs of a vector of all of them.
    """

    max_pairs: int
    may_copy: bool
    max_dense_pairs: int


class _RungBytes(NamedTuple):
    """What a rung holds beside its pairs, while they are searched for and while they are merged."""

    searched: int
    merged: int

    def needed(self, n_pairs: int) -> int:
        return max(self.searched + n_pairs * BYTES_PER_PAIR_SEARCHED, self.merged + n_pairs * BYTES_PER_PAIR_MERGED)

    def most_pairs(self, n_bytes: int) -> int:
        return min(
            (n_bytes - self.searched) // BYTES_PER_PAIR_SEARCHED, (n_bytes - self.merged) // BYTES_PER_PAIR_MERGED
        )


def rung_memory(
    points: npt.NDArray[Any], memory_limit: int | None, bytes_used: int = 0, *, means: bool = False
) -> RungMemory:
    """Return what the core may hold, beside ``bytes_used`` for what was made of X before.

    ``means``: the linkage keeps the means of clusters.
    """
    n_samples, n_features = points.shape
    shared = MORE_BYTES + bytes_used
    if means:
        shared += n_samples * (4 * n_features + BYTES_PER_MEAN)
    rung = _RungBytes(
        searched=shared + n_samples * (BYTES_PER_FEATURE * n_features + BYTES_PER_SAMPLE_SEARCHED),
        merged=shared + n_samples * BYTES_PER_SAMPLE_MERGED,
    )
    beside_dense = rung.searched + n_samples * BYTES_PER_SAMPLE_MERGED
    max_pairs = PAIRS_PER_SAMPLE * n_samples + MORE_PAIRS
    most_dense = max(FEW_DENSE_BYTES, DENSE_PER_POINTS * points.nbytes)
    if memory_limit is None:
        dense = n_samples * n_samples // 2 * BYTES_PER_DENSE_PAIR
        limit = max(rung.needed(max_pairs) + points.nbytes, beside_dense + dense if dense <= most_dense else 0)
        if limit > UNASKED_BYTES:
            limit = free_memory() // 4 * 3
    else:
        limit = int(memory_limit)
        if limit < rung.needed(n_samples):
            raise InputError(
                f"{n_samples:,} samples of {n_features:,} features need a memory_limit of at least "
                f"{rung.needed(n_samples):,} bytes, got {memory_limit:,}"
            )
    may_copy = rung.most_pairs(limit - points.nbytes) >= FEWEST_PAIRS_PER_SAMPLE * n_samples
    room = limit - points.nbytes if may_copy else limit
    return RungMemory(
        max_pairs=max(n_samples, min(max_pairs, rung.most_pairs(room)), 1),
        may_copy=may_copy,
        max_dense_pairs=max(0, min(limit - beside_dense, most_dense) // BYTES_PER_DENSE_PAIR),
    )
