"""Ball clustering as a scikit-learn estimator; the work is done in `bcl_fast.linkage`."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.utils._param_validation import Interval, Options
from sklearn.utils.validation import validate_data

from bcl_fast.linkage import complete_linkage


class BallClustering(ClusterMixin, BaseEstimator):
    """Complete linkage, stopped where two clusters no longer fit into one ball; the number of clusters is found.

    With embeddings trained by `BallLoss`, every identity fills a ball of squared radius ``b``, and clusters are merged
    while the largest squared distance between their members is at most ``4 b``, the squared diameter. Exact: see
    `complete_linkage` for what is promised.

    Parameters
    ----------
    distance_threshold : float, default=0.82
        Squared Euclidean distance, >= 0, up to and including which clusters are merged: as SciPy's ``fcluster`` and the
        paper, and unlike scikit-learn's ``AgglomerativeClustering``, which leaves clusters at exactly the threshold
        apart. The default is that of the paper's published model for embeddings of unit norm (``b = 0.2051``); a
        trained model has its own (``model.distance_threshold``).
    n_jobs : int, default=None
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all processors. The result does not
        depend on it.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each sample, numbered by first appearance.
    n_clusters_ : int
        Number of clusters found.
    children_ : ndarray of shape (n_samples - n_clusters_, 2), int64
        The two clusters of each merge: below ``n_samples`` a sample, ``n_samples + i`` the result of merge ``i``.
    distances_ : ndarray of shape (n_samples - n_clusters_,), float64
        Height of each merge, not decreasing: the largest squared distance between the two.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen by `fit`, where X has names that are all strings.

    See Also
    --------
    complete_linkage : The same as a function, without scikit-learn.
    sklearn.cluster.AgglomerativeClustering : Any linkage; computes all n x n distances and the whole tree.

    References
    ----------
    Tapaswi, Law, Fidler. Video Face Clustering with Unknown Number of Clusters. ICCV 2019. arXiv:1908.03381.

    Examples
    --------
    >>> from bcl_fast import BallClustering
    >>> clustering = BallClustering(distance_threshold=1.0).fit([[0.0], [1.0], [5.0], [5.5]])
    >>> clustering.labels_
    array([0, 0, 1, 1])
    >>> clustering.n_clusters_
    2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "distance_threshold": [Interval(Real, 0, None, closed="both")],
        "n_jobs": [None, Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
    }

    def __init__(self, distance_threshold: float = 0.82, *, n_jobs: int | None = None) -> None:
        self.distance_threshold = distance_threshold
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: npt.ArrayLike, y: object = None) -> BallClustering:
        """Cluster the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite; float32 and float64 are used as they are, anything else as float64.
        y : None
            Not used.

        Returns
        -------
        BallClustering
            The estimator itself.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32], order="C")
        result = complete_linkage(X, self.distance_threshold, n_jobs=self.n_jobs)
        self.labels_ = result.labels
        self.n_clusters_ = result.n_clusters
        self.children_ = result.merges[:, :2].astype(np.int64)
        self.distances_ = result.merges[:, 2].copy()
        return self
