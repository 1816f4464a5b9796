"""How good a clustering is, given the true labels: NMI, weighted purity, number of clusters, B-cubed.

Labels are one-dimensional sequences of anything that can be told apart: strings, integers, or both. All scores depend
on the partitions alone, not on the names of labels, and take memory O(samples), never clusters times identities.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast.errors import InputError

Labels = Sequence[Any] | NDArray[Any]
Codes = NDArray[np.int64]


class BCubed(NamedTuple):
    """B-cubed precision, recall and their harmonic mean, each in (0, 1]."""

    precision: float
    recall: float
    f_score: float


class _Contingency(NamedTuple):
    """Cells of the contingency table that are not empty."""

    identity: Codes  # of each cell
    cluster: Codes  # of each cell
    size: Codes  # samples in each cell
    identity_sizes: Codes
    cluster_sizes: Codes


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
    largest = np.zeros(len(table.cluster_sizes), np.int64)
    np.maximum.at(largest, table.cluster, table.size)
    return float(largest.sum() / table.size.sum())


def cluster_count_error(labels_true: Labels, labels_pred: Labels) -> float:
    """Relative error of the number of clusters, ``|K_pred - K_true| / K_true``.

    Parameters
    ----------
    labels_true, labels_pred : sequence of length n_samples
        Identity and cluster of each sample.

    Returns
    -------
    float
        0 where there are as many clusters as identities.

    Raises
    ------
    InputError
        If the lengths differ, or there are no labels.
    """
    true, predicted = _codes(labels_true, labels_pred)
    n_identities = int(true.max()) + 1
    return abs(int(predicted.max()) + 1 - n_identities) / n_identities


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
    squared, n_samples = table.size.astype(np.float64) ** 2, table.size.sum()
    precision = float((squared / table.cluster_sizes[table.cluster]).sum() / n_samples)
    recall = float((squared / table.identity_sizes[table.identity]).sum() / n_samples)
    return BCubed(precision, recall, 2 * precision * recall / (precision + recall))


def _contingency(labels_true: Labels, labels_pred: Labels) -> _Contingency:
    true, predicted = _codes(labels_true, labels_pred)
    n_clusters = int(predicted.max()) + 1
    cells, sizes = np.unique(true * n_clusters + predicted, return_counts=True)
    return _Contingency(cells // n_clusters, cells % n_clusters, sizes, np.bincount(true), np.bincount(predicted))


def _codes(labels_true: Labels, labels_pred: Labels) -> tuple[Codes, Codes]:
    """Labels as integers from 0 without gaps."""
    if len(labels_true) != len(labels_pred):
        raise InputError(
            f"labels_true and labels_pred must be equally long, got {len(labels_true)} and {len(labels_pred)} labels"
        )
    if len(labels_true) == 0:
        raise InputError("labels_true and labels_pred must hold at least one label, got none")
    return _code(labels_true, "labels_true"), _code(labels_pred, "labels_pred")


def _code(labels: Labels, name: str) -> Codes:
    values = np.asarray(labels) if hasattr(labels, "__array__") else np.array(labels, dtype=object)
    if values.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {values.shape}")
    if values.dtype != object:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    seen: dict[Any, int] = {}  # a mix of strings and integers has no order, so no np.unique
    return np.array([seen.setdefault(value, len(seen)) for value in values], np.int64)
