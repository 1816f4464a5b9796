"""How good a clustering is, given the true labels: NMI, weighted purity, B-cubed.

Labels are one-dimensional sequences of anything that can be told apart: strings, integers, or both. All scores depend
on the partitions alone, not on the names of labels, and take memory O(samples), never clusters times identities.

A sample whose identity is missing (``None``, NaN, NaT, ``pandas.NA`` or ``""``) is left out, which a warning says. A
sample without a cluster (-1, as `bcl_fast.BallClustering` gives it with ``min_cluster_size``, or missing) counts as a
cluster of its own: that costs recall, and no precision. So an identity may be called -1, and a cluster may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bcl_fast.evaluation._codes import Labels, labelled_codes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class BCubed(NamedTuple):
    """B-cubed precision, recall and their harmonic mean, each in (0, 1]."""

    precision: float
    recall: float
    f_score: float


def normalized_mutual_information(labels_true: Labels, labels_pred: Labels) -> float:
    """Mutual information of two partitions over the arithmetic mean of their entropies; symmetric but for -1.

    Parameters
    ----------
    labels_true, labels_pred : sequence of length n_samples
        Identity and cluster of each sample. Samples without an identity are left out; those without a cluster (-1 or
        missing) are clusters of their own.

    Returns
    -------
    float
        From 0 (independent) to 1 (equal partitions), as scikit-learn's ``normalized_mutual_info_score``.

    Raises
    ------
    InputError
        If the lengths differ, or no identity is given.
    """
    from sklearn.metrics import normalized_mutual_info_score

    score = normalized_mutual_info_score(*labelled_codes(labels_true, labels_pred), average_method="arithmetic")
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
        Identity and cluster of each sample. Samples without an identity are left out; those without a cluster (-1 or
        missing) are clusters of their own.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    InputError
        If the lengths differ, or no identity is given.

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
        Identity and cluster of each sample. Samples without an identity are left out; those without a cluster (-1 or
        missing) are clusters of their own.

    Returns
    -------
    BCubed
        ``precision``, ``recall``, ``f_score``.

    Raises
    ------
    InputError
        If the lengths differ, or no identity is given.
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

    return contingency_matrix(*labelled_codes(labels_true, labels_pred), sparse=True)
