"""Values as whole numbers, in the order in which they first appear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.types import Integers


def by_first_appearance(codes: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return values numbered 0, 1, ... in the order in which they first appear.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        Any values that can be sorted.

    Returns
    -------
    ndarray of shape (n_samples,), int64
    """
    return _ranked(codes)[0]


def _ranked(values: npt.NDArray[Any]) -> tuple[Integers, npt.NDArray[Any]]:
    """Return values as codes by first appearance, and the distinct values in that order."""
    if values.dtype == object:
        seen: dict[Any, int] = {}
        codes = (seen.setdefault(value, len(seen)) for value in values.tolist())
        return np.fromiter(codes, np.int64, len(values)), np.array(list(seen), dtype=object)
    distinct, first, inverse = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[inverse], distinct[order]


class Categories(NamedTuple):
    """Names as codes by first appearance: ``names[codes]`` are the values, and code -1 stands for a missing one."""

    codes: Integers
    names: npt.NDArray[Any]


def categories(values: npt.NDArray[Any]) -> Categories:
    """Give each distinct value (text or integer) a code, in order of first appearance; ``""`` gets code -1.

    Runs of equal values are collapsed before sorting, so values that come track by track cost one comparison each.
    """
    if len(values) == 0:
        return Categories(np.empty(0, np.int64), values)
    starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    codes, names = _ranked(values[starts])
    if values.dtype.kind in "OU":
        codes[values[starts] == ""] = -1
    return Categories(np.repeat(codes, np.diff(np.append(starts, len(values)))), names)


def number_missing(codes: Integers) -> Integers:
    """Return codes from 0 in which each missing one (-1) is a number of its own, after the largest."""
    missing = codes < 0
    numbered = codes.copy()
    numbered[missing] = codes.max(initial=-1) + 1 + np.arange(missing.sum())
    return numbered


def is_missing(value: object) -> bool:
    """Whether a value stands for none: ``None``, NaN, NaT, ``pandas.NA`` or an empty text."""
    if value is None or (isinstance(value, str | bytes) and not value):
        return True
    if isinstance(value, str | bytes | int):
        return False
    try:
        return bool(value != value)
    except (TypeError, ArithmeticError):  # pandas.NA is neither equal to itself nor not; a signalling NaN objects
        return True
    except ValueError:  # an array
        return False
