"""Dissimilarities that the caller has computed: what is taken for rounding, and how they are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast._utils.arrays import as_array
from bcl_fast.cluster._constraints import Constraints
from bcl_fast.cluster._cut import Merges
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# What rounding may do, beside a typical dissimilarity: products in float32 leave 1e-7 of it, their roots far more near
# zero, so the two directions of a pair are compared by their squares.
ROUNDING = 1e-5
_SAMPLED = 4096


def check_dissimilarities(X: Any) -> npt.NDArray[Any] | csr_array:
    """Return a square matrix of real numbers, dense in float32 or float64, or sparse in float64.

    Parameters
    ----------
    X : array-like or SciPy sparse matrix of shape (n_samples, n_samples)
        Its values are looked at by `merge_dissimilarities`.

    Raises
    ------
    InputError
        A ValueError: if X is not square or not real.
    """
    from scipy.sparse import csr_array, issparse

    matrix = X if issparse(X) else as_array(X, "precomputed dissimilarities")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"precomputed dissimilarities must be square (n_samples, n_samples), got shape {matrix.shape}")
    if matrix.dtype.kind not in "fiub":
        raise InputError(f"precomputed dissimilarities must be real numbers, got dtype {matrix.dtype}")
    if issparse(X):
        return csr_array(matrix, dtype=np.float64)
    if matrix.flags.f_contiguous:
        matrix = matrix.T  # the other direction of each pair: no copy
    is_single = matrix.dtype.kind == "f" and matrix.dtype.itemsize <= 4
    return np.require(matrix, np.float32 if is_single else np.float64, ["C", "A"])


def merge_dissimilarities(
    matrix: npt.NDArray[Any] | csr_array,
    threshold: float,
    constraints: Constraints,
    memory_limit: int | None,
    execution: _core.Execution,
) -> Merges:
    """Merge by complete linkage what `check_dissimilarities` returned: merges and labels.

    Raises
    ------
    InputError
        A ValueError: if a pair is negative, or its two directions differ, by more than rounding (the pair is named);
        or if a dense matrix needs more memory than the limit.
    """
    if not isinstance(matrix, np.ndarray):
        return _core.graph_linkage(*dissimilarity_graph(_symmetric(matrix, threshold), constraints), execution)
    n_samples = len(matrix)
    _check_memory(n_samples, matrix.itemsize, memory_limit)
    condensed, bad = _core.condense(matrix, ROUNDING, _typical(matrix.ravel()), execution)
    if bad is not None:
        i, j = bad
        raise _refusal(i, j, matrix[i, j], matrix[j, i])
    return _core.dense_linkage(condensed, n_samples, "complete", threshold, *constraints, execution)


def check_condensed(distances: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], int]:
    """Return a copy of condensed distances, rounding below zero taken away, and the number of samples.

    Raises
    ------
    InputError
        A ValueError: if they are not those of all pairs, not finite, or negative.
    """
    if distances.dtype.kind not in "fiub":
        raise InputError(f"condensed distances must be real numbers, got dtype {distances.dtype}")
    n_samples = round((2 * len(distances)) ** 0.5 + 0.5)  # the only n that can have so many pairs
    if len(distances) == 0 or n_samples * (n_samples - 1) // 2 != len(distances):
        raise InputError(f"condensed distances must be those of n * (n - 1) / 2 pairs, got {len(distances)}")
    copied = distances.astype(np.float64)
    least, largest = copied.min(), copied.max()
    if not (np.isfinite(least) and np.isfinite(largest)):
        place = int((~np.isfinite(copied)).argmax())
        raise InputError(f"condensed distances must be finite, got {distances[place]} at place {place}")
    if least < 0:
        place = int((copied < -ROUNDING * _typical(copied)).argmax())
        if copied[place] < -ROUNDING * _typical(copied):
            i, j = (int(index[place]) for index in np.triu_indices(n_samples, 1))
            raise _refusal(i, j, copied[place], copied[place])
        np.maximum(copied, 0, out=copied)
    return copied, n_samples


def _check_memory(n_samples: int, itemsize: int, memory_limit: int | None) -> None:
    needed = n_samples * (n_samples - 1) // 2 * itemsize + 256 * n_samples
    if memory_limit is not None and needed > memory_limit:
        raise InputError(
            f"a dense matrix of {n_samples:,} samples needs a memory_limit of at least {needed:,} bytes, got "
            f"{memory_limit:,}"
        )


def _typical(values: npt.NDArray[Any]) -> float:
    """Return the median of the finite values other than 0, of a sample: no sentinel moves it."""
    if len(values) > _SAMPLED:
        values = values[np.random.default_rng(0).integers(len(values), size=_SAMPLED)]
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if len(sizes) else 0.0


def _refusal(i: int, j: int, value: float, mirrored: float) -> InputError:
    for a, b, distance in ((i, j, value), (j, i, mirrored)):
        if not distance >= 0 and not abs(distance) < abs(value - mirrored):
            return InputError(f"precomputed dissimilarities must be >= 0, got {distance} for the pair ({a}, {b})")
    return InputError(
        f"precomputed dissimilarities must be symmetric, got different ones for the pairs ({i}, {j}) and ({j}, {i}): "
        f"{value} and {mirrored}"
    )


def _symmetric(matrix: csr_array, threshold: float) -> csr_array:
    """Return the dissimilarities up to a threshold, both directions of each; explicit zeros stay."""
    from scipy.sparse import coo_array, csr_array

    entries = coo_array(matrix)
    entries.sum_duplicates()
    off_diagonal = entries.row != entries.col
    rows, columns = entries.row[off_diagonal].astype(np.int64), entries.col[off_diagonal].astype(np.int64)
    values = entries.data[off_diagonal]
    lower, upper = np.minimum(rows, columns), np.maximum(rows, columns)
    order = np.lexsort((rows, upper, lower))
    lower, upper, values = lower[order], upper[order], values[order]
    scale = _typical(values)
    twice = np.flatnonzero((lower[1:] == lower[:-1]) & (upper[1:] == upper[:-1]))
    first, second = values[twice], values[twice + 1]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        agree = (first == second) | (np.abs(first - second) / scale * ((first + second) / scale) <= ROUNDING)
        bad = ~(values >= -ROUNDING * scale)
    bad[twice] |= ~agree
    if bad.any():
        e = int(bad.argmax())
        both = e + 1 < len(values) and lower[e + 1] == lower[e] and upper[e + 1] == upper[e]
        raise _refusal(int(lower[e]), int(upper[e]), values[e], values[e + 1] if both else values[e])
    values[twice] = np.where(first == second, first, first / 2 + second / 2)
    values = np.maximum(values, 0)
    keep = (values <= threshold) & np.isfinite(values)
    keep[twice + 1] = False
    lower, upper, values = lower[keep], upper[keep], values[keep]
    places = np.concatenate([lower, upper]), np.concatenate([upper, lower])
    return csr_array((np.concatenate([values, values]), places), shape=matrix.shape)


def dissimilarity_graph(
    matrix: csr_array, constraints: Constraints
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return what the core merges on: offsets, neighbors and distances.

    Parameters
    ----------
    matrix : csr_array of shape (n_samples, n_samples)
        Symmetric, without a diagonal.
    constraints : Constraints
        Samples of one must-link group are at distance 0 of each other, cannot-link pairs at none.
    """
    from scipy.sparse import coo_array

    entries = coo_array(matrix)
    rows, columns, values = entries.row.astype(np.int64), entries.col.astype(np.int64), entries.data
    keep = np.ones(len(values), bool)
    n_samples = matrix.shape[0]
    if len(constraints.cannot_link):
        first, second = constraints.cannot_link.T.astype(np.int64)
        cannot_link = np.concatenate([first * n_samples + second, second * n_samples + first])
        keep &= ~np.isin(rows * n_samples + columns, cannot_link)
    if constraints.must_link_groups is not None:
        keep &= constraints.must_link_groups[rows] != constraints.must_link_groups[columns]
    rows, columns, values = rows[keep], columns[keep], values[keep]
    if constraints.must_link_groups is not None:
        linked_rows, linked_columns = _pairs_within(constraints.must_link_groups)
        rows, columns = np.concatenate([rows, linked_rows]), np.concatenate([columns, linked_columns])
        values = np.concatenate([values, np.zeros(len(linked_rows))])
    order = np.lexsort((columns, rows))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_samples))]).astype(np.int64)
    return offsets, columns[order].astype(np.int32), values[order]


def _pairs_within(must_link_groups: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return both directions of all pairs of samples that share a must-link group."""
    order = np.argsort(must_link_groups, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(must_link_groups))[:-1])
    pairs = [np.array(np.meshgrid(m, m)).reshape(2, -1) for m in members if len(m) > 1]
    rows, columns = np.concatenate(pairs, axis=1) if pairs else np.empty((2, 0), np.int64)
    return rows[rows != columns], columns[rows != columns]
