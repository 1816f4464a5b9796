"""Pairs of samples that must, or must not, share a cluster."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.groups import linked_groups
from bcl_fast.errors import InputError


class Constraints(NamedTuple):
    """What the core merges first, and what it never merges.

    Attributes
    ----------
    must_link_groups : ndarray of shape (n_samples,), int32, or None
        Samples linked by ``must_link``, directly or through others, numbered by first appearance; None: no links.
    cannot_link : ndarray of shape (n_pairs, 2), int32
        The pairs of ``cannot_link``.
    """

    must_link_groups: npt.NDArray[np.int32] | None
    cannot_link: npt.NDArray[np.int32]


def resolve_constraints(
    must_link: npt.ArrayLike | None, cannot_link: npt.ArrayLike | None, n_samples: int
) -> Constraints:
    """Check constraints and follow ``must_link`` through all samples it connects.

    Parameters
    ----------
    must_link, cannot_link : array-like of shape (n_pairs, 2), int, or None
        Indices of samples, in ``[0, n_samples)``.
    n_samples : int
        Number of samples.

    Returns
    -------
    Constraints
        As the core takes them.

    Raises
    ------
    InputError
        A ValueError: if a pair is not one of samples, or the constraints contradict each other (the pair is named).
    """
    linked = check_pairs(must_link, "must_link", n_samples)
    apart = check_pairs(cannot_link, "cannot_link", n_samples)
    must_link_groups = linked_groups(linked, n_samples).astype(np.int32) if len(linked) else None
    group_of = np.arange(n_samples, dtype=np.int32) if must_link_groups is None else must_link_groups
    contradicted = group_of[apart[:, 0]] == group_of[apart[:, 1]]
    if contradicted.any():
        a, b = apart[contradicted.argmax()]
        reason = "they are the same sample" if a == b else "must_link puts them into one cluster"
        raise InputError(f"cannot_link has the pair ({a}, {b}), but {reason}")
    return Constraints(must_link_groups, apart)


def check_pairs(pairs: npt.ArrayLike | None, name: str, n_samples: int) -> npt.NDArray[np.int32]:
    if pairs is None:
        return np.empty((0, 2), np.int32)
    array = as_array(pairs, name)
    if array.size == 0:
        return np.empty((0, 2), np.int32)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise InputError(
            f"{name} must be pairs of sample indices, integers of shape (n_pairs, 2), got {array.dtype} "
            f"of shape {array.shape}"
        )
    outside = ((array < 0) | (array >= n_samples)).any(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise InputError(f"{name} must hold indices in [0, {n_samples}), got {tuple(array[row].tolist())} in row {row}")
    return np.require(array, np.int32, ["C", "A"])
