"""Dissimilarities that the caller has computed, as the graph that the core merges on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.arrays import as_array
from bcl_fast.cluster._constraints import Constraints
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def check_dissimilarities(X: Any, threshold: float) -> csr_array:
    """Return the dissimilarities up to a threshold as a sparse matrix without a diagonal; explicit zeros stay.

    Parameters
    ----------
    X : array-like or SciPy sparse matrix of shape (n_samples, n_samples)
        Symmetric, >= 0, zero on the diagonal. Absent (sparse) or infinite: never merged.
    threshold : float
        Pairs beyond it are left out.

    Returns
    -------
    csr_array of shape (n_samples, n_samples), float64

    Raises
    ------
    InputError
        A ValueError: if X is not square, real, symmetric and >= 0; the pair is named.
    """
    from scipy.sparse import coo_array, csr_array, issparse

    matrix = coo_array(X) if issparse(X) else as_array(X, "precomputed dissimilarities")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"precomputed dissimilarities must be square (n_samples, n_samples), got shape {matrix.shape}")
    if matrix.dtype.kind not in "fiub":
        raise InputError(f"precomputed dissimilarities must be real numbers, got dtype {matrix.dtype}")
    if isinstance(matrix, np.ndarray):
        rows, columns = np.nonzero(~(matrix > threshold))  # NaN stays, to be refused
        values = matrix[rows, columns].astype(np.float64)
    else:
        matrix.sum_duplicates()
        (rows, columns), values = matrix.coords, matrix.data.astype(np.float64)
    _refuse(~(values >= 0), rows, columns, values, "be >= 0")
    _refuse((rows == columns) & (values != 0), rows, columns, values, "be 0 on the diagonal")
    keep = (rows != columns) & (values <= threshold) & np.isfinite(values)
    kept = csr_array((values[keep], (rows[keep], columns[keep])), shape=matrix.shape)
    _check_symmetry(kept)
    return kept


def _refuse(bad: npt.NDArray[np.bool_], rows: Any, columns: Any, values: Any, wanted: str) -> None:
    if bad.any():
        e = int(bad.argmax())
        raise InputError(
            f"precomputed dissimilarities must {wanted}, got {values[e]} for the pair ({rows[e]}, {columns[e]})"
        )


def _check_symmetry(matrix: csr_array) -> None:
    from scipy.sparse import csr_array

    matrix.sort_indices()
    mirrored = csr_array(matrix.T)
    mirrored.sort_indices()
    parts = ("indptr", "indices", "data")
    if all(np.array_equal(getattr(matrix, part), getattr(mirrored, part)) for part in parts):
        return
    rows, columns = (matrix != mirrored).nonzero()
    if len(rows) == 0:  # an explicit zero that stands one way only: no difference to a sparse comparison
        ones, mirrored_ones = (csr_array((np.ones(m.nnz), m.indices, m.indptr), m.shape) for m in (matrix, mirrored))
        rows, columns = (ones != mirrored_ones).nonzero()
    raise InputError(
        f"precomputed dissimilarities must be symmetric, got different ones for the pairs ({rows[0]}, {columns[0]}) "
        f"and ({columns[0]}, {rows[0]})"
    )


def dissimilarity_graph(
    matrix: csr_array, constraints: Constraints
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return what the core merges on: offsets, neighbors and distances.

    Parameters
    ----------
    matrix : csr_array of shape (n_samples, n_samples)
        As `check_dissimilarities` returns it.
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
