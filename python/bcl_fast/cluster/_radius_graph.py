"""All pairs of samples within a squared distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bcl_fast import _core
from bcl_fast.cluster._cut import check_threshold
from bcl_fast.cluster._execution import core_execution
from bcl_fast.cluster._input import check_points
from bcl_fast.cluster._progress import OnProgress

if TYPE_CHECKING:
    import torch
    from scipy.sparse import csr_array


def radius_graph(
    X: npt.ArrayLike,
    distance_threshold: float,
    *,
    n_jobs: int | None = None,
    progress: OnProgress | None = None,
    device: str | torch.device = "cpu",
) -> csr_array:
    """Find all pairs of samples within a squared distance.

    Exact: a pair is in the graph if and only if its float64 squared distance is at most the threshold.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Embeddings, as in `complete_linkage`.
    distance_threshold : float
        Squared Euclidean distance, >= 0; may be ``np.inf``.
    n_jobs : int, optional
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all that it may use, -2 for all but
        one. The result does not depend on it.
    progress : callable, optional
        As in `complete_linkage`.
    device : str or torch.device, default="cpu"
        As in `complete_linkage`.

    Returns
    -------
    scipy.sparse.csr_array of shape (n_samples, n_samples), float32
        Squared distances: symmetric, sorted columns, no diagonal. Identical samples are stored as explicit zeros.
        float64 for a threshold so large or small that float32 could not hold its distances.

    Raises
    ------
    InputError
        A ValueError: if X is not 2-D, real and finite (the row is named), or another argument is out of range.

    Examples
    --------
    >>> from bcl_fast import radius_graph
    >>> radius_graph([[0.0], [1.0], [5.0]], distance_threshold=1.0).toarray()
    array([[0., 1., 0.],
           [1., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    from scipy.sparse import csr_array

    threshold = check_threshold(distance_threshold)
    points = check_points(X)
    execution = core_execution(n_jobs, progress, device)
    offsets, neighbors, distances, scale, _ = _core.radius_graph(points, threshold, execution)
    if offsets[-1] <= np.iinfo(np.int32).max:
        offsets = offsets.astype(np.int32)  # of another type than the columns, SciPy would copy those
    data: npt.NDArray[Any] = distances if scale == 1.0 else distances * np.float64(scale)
    n_samples = len(offsets) - 1
    return csr_array((data, neighbors, offsets), shape=(n_samples, n_samples))
