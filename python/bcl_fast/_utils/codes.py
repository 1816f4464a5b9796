"""How clusters are numbered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


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
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
