"""The whole dendrogram, with the call and the result of SciPy's function."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bcl_fast.cluster._complete_linkage import complete_linkage
from bcl_fast.cluster._progress import OnProgress


def linkage(
    X: npt.ArrayLike,
    *,
    memory_limit: int | None = None,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
) -> npt.NDArray[np.float64]:
    """Return the whole dendrogram, as ``scipy.cluster.hierarchy.linkage(pdist(X, "sqeuclidean"), "complete")``.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        As in `complete_linkage`.
    memory_limit, n_jobs, progress
        As in `complete_linkage`.

    Returns
    -------
    ndarray of shape (n_samples - 1, 4), float64
        A linkage matrix, for ``fcluster``, ``dendrogram`` and the like. Heights are squared distances, to float32
        precision.

    Raises
    ------
    InputError
        A ValueError: as in `complete_linkage`.

    Examples
    --------
    >>> from bcl_fast import linkage
    >>> linkage([[0.0], [1.0], [5.0]])
    array([[ 0.,  1.,  1.,  2.],
           [ 2.,  3., 25.,  3.]])
    """
    return complete_linkage(X, memory_limit=memory_limit, n_jobs=n_jobs, progress=progress).merges
