"""What a clustering returns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class CompleteLinkage(NamedTuple):
    """Clusters, and the merges that made them.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,), int64
        Cluster of each sample, 0 to ``n_clusters - 1``, numbered by first appearance; -1 for a sample of a cluster
        smaller than ``min_cluster_size``.
    merges : ndarray of shape (n_merges, 4), float64
        As SciPy's linkage matrix, as far as the threshold: the ids of the two clusters merged (below ``n_samples`` a
        sample, ``n_samples + i`` the result of row ``i``), the largest squared distance between them, the number of
        samples in the result. Heights do not decrease. With ``min_cluster_size=1`` there are
        ``n_samples - n_clusters``.
    n_clusters : int
        Number of clusters, without those that are too small.
    """

    labels: npt.NDArray[np.int64]
    merges: npt.NDArray[np.float64]
    n_clusters: int


class AverageLinkage(CompleteLinkage):
    """Clusters, and the merges that made them: as `CompleteLinkage`, but heights are mean squared distances."""

    __slots__ = ()
