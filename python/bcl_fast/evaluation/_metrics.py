"""How good a clustering is, given the true labels: NMI, weighted purity, B-cubed.

Labels are one-dimensional sequences of anything that can be told apart: strings, integers, or both. All scores depend
on the partitions alone, not on the names of labels, and take memory O(samples), never clusters times identities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Labels = Sequence[Any] | NDArray[Any]


class BCubed(NamedTuple):
    """B-cubed precision, recall and their harmonic mean, each in (0, 1]."""

    precision: float
    recall: float
    f_score: float


def normalized_mutual_information(labels_true: Labels, labels_pred: Labels) -> float:
    """Mutual information of two partitions over the arithmetic mean of their entropies; symmetric.

    Parameters
    ----------
    labels_true, labels_pred : sequence of length n_samples
        Identity and cluster of each sample.

    Returns
    -------
    float
        From 0 (independent) to 1 (equal partitions), as scikit-learn's ``normalized_mutual_info_score``.

    Raises
    ------
    InputError
        If the lengths differ, or there are no labels.
    """
    from sklearn.metrics import normalized_mutual_info_score

    score = normalized_mutual_info_score(*_codes(labels_true, labels_pred), average_method="arithmetic")
    return float(np.clip(score, 0, 1))


def weighted_clustering_purity(labels_true: Labels, labels_pred: Labels) -> float:
    """Purity of the clusters, weighted by their sizes (WCP).

    With ``n_c`` samples in cluster ``c``, and ``purity_c`` the share of its most frequent identity among them::

        sum over clusters c of  n_c / N * purity_c

    This is the share of samples that are of the most frequent identity of their cluster. Clusters of one sample are
    always pure: read the score beside the number of clusters.

    Parameters
    ----------
    labels_true, labels_pred : sequence of length n_samples
        Identity and cluster of each sample.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    InputError
        If the lengths differ, or there are no labels.

    References
    ----------
    Tapaswi, Law, Fidler. Video Face Clustering with Unknown Number of Clusters. ICCV 2019. arXiv:1908.03381, section 5.
    """
    table = _contingency(labels_true, labels_pred)
    return float(table.max(axis=0).sum() / table.sum())


def b_cubed(labels_true: Labels, labels_pred: Labels) -> BCubed:
    """B-cubed precision and recall (Bagga and Baldwin, 1998): averages over samples, the sample itself counted.

    Precision: the share of a sample's cluster that is of its identity. Recall: the share of its identity that is in its
    cluster.

    Parameters
    ----------
    labels_true, labels_pred : sequence of length n_samples
        Identity and cluster of each sample.

    Returns
    -------
    BCubed
        ``precision``, ``recall``, ``f_score``.

    Raises
    ------
    InputError
        If the lengths differ, or there are no labels.
    """
    table = _contingency(labels_true, labels_pred)
    identity_sizes, cluster_sizes = (np.asarray(table.sum(axis=axis)).ravel() for axis in (1, 0))
    cells = table.tocoo()
    squared, n_samples = cells.data.astype(np.float64) ** 2, cells.data.sum()
    precision = float((squared / cluster_sizes[cells.col]).sum() / n_samples)
    recall = float((squared / identity_sizes[cells.row]).sum() / n_samples)
    return BCubed(precision, recall, 2 * precision * recall / (precision + recall))


def _contingency(labels_true: Labels, labels_pred: Labels) -> csr_matrix:
    """Count the samples of each identity (row) in each cluster (column); zeros are not stored."""
    from sklearn.metrics.cluster import contingency_matrix

    return contingency_matrix(*_codes(labels_true, labels_pred), sparse=True)


def _codes(labels_true: Labels, labels_pred: Labels) -> tuple[Integers, Integers]:
    """Labels as integers from 0 without gaps."""
    if len(labels_true) != len(labels_pred):
        raise InputError(
            f"labels_true and labels_pred must be equally long, got {len(labels_true)} and {len(labels_pred)} labels"
        )
    if len(labels_true) == 0:
        raise InputError("labels_true and labels_pred must hold at least one label, got none")
    return _code(labels_true, "labels_true"), _code(labels_pred, "labels_pred")


def _code(labels: Labels, name: str) -> Integers:
    values = np.asarray(labels) if hasattr(labels, "__array__") else np.array(labels, dtype=object)
    if values.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {values.shape}")
    if values.dtype != object:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    seen: dict[Any, int] = {}  # a mix of strings and integers has no order, so no np.unique
    return np.array([seen.setdefault(value, len(seen)) for value in values], np.int64)
