"""What pairs connect: the connected components of a graph of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import by_first_appearance


def linked_groups(linked: npt.NDArray[Any], n_samples: int) -> npt.NDArray[np.int64]:
    """Give all samples that pairs connect one number, 0, 1, ... by first appearance.

    Parameters
    ----------
    linked : ndarray of shape (n_pairs, 2), int
        Pairs of samples.
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,), int64
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(linked), bool), linked.T), shape=(n_samples, n_samples))
    return by_first_appearance(connected_components(links, directed=False)[1])
