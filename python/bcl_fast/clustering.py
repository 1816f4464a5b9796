"""Ball clustering as a scikit-learn estimator; the work is done in `bcl_fast.hierarchy`."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import validate_data

from bcl_fast.hierarchy import complete_linkage
from bcl_fast.metric import METRICS, Metric


class BallClustering(ClusterMixin, BaseEstimator):
    """Complete linkage, stopped where two clusters no longer fit into one ball; the number of clusters is found.

    With embeddings trained by `BallLoss`, every identity fills a ball of squared radius ``b``, and clusters are merged
    while the largest squared distance between their members is at most ``4 b``, the squared diameter. Exact: see
    `complete_linkage` for what is promised.

    Parameters
    ----------
    distance_threshold : float or None, default=0.82
        Distance in the unit of ``metric``, >= 0, up to and including which clusters are merged: as SciPy's ``fcluster``
        and the paper, and unlike scikit-learn's ``AgglomerativeClustering``, which leaves clusters at exactly the
        threshold apart. The default is that of the paper's published model for embeddings of unit norm
        (``b = 0.2051``); a trained model has its own (``model.distance_threshold``). None: everything is merged.
    n_clusters : int, default=None
        Number of clusters to stop at; then the threshold is not used.
    metric : {"sqeuclidean", "euclidean", "cosine", "precomputed"}, default="sqeuclidean"
        What is measured between samples. For "precomputed" X holds the dissimilarities, dense or sparse.
    memory_limit : int, default=None
        Bytes that the clustering may use beside X; half of what the machine has free if None.
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
        Height of each merge, not decreasing: the largest distance between the two, in the unit of ``metric``.
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
        "distance_threshold": [None, Interval(Real, 0, None, closed="both")],
        "n_clusters": [None, Interval(Integral, 1, None, closed="left")],
        "metric": [StrOptions(set(METRICS))],
        "memory_limit": [None, Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Interval(Integral, 1, None, closed="left"), Options(Integral, {-1})],
    }

    def __init__(
        self,
        distance_threshold: float | None = 0.82,
        *,
        n_clusters: int | None = None,
        metric: Metric = "sqeuclidean",
        memory_limit: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.distance_threshold = distance_threshold
        self.n_clusters = n_clusters
        self.metric = metric
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: npt.ArrayLike,
        y: object = None,
        *,
        must_link: npt.ArrayLike | None = None,
        cannot_link: npt.ArrayLike | None = None,
    ) -> BallClustering:
        """Cluster the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Embeddings, finite; float32 and float64 are used as they are, anything else as float64. For
            ``metric="precomputed"`` dissimilarities of shape (n_samples, n_samples).
        y : None
            Not used.
        must_link : array-like of shape (n_pairs, 2), int, default=None
            Samples that share a cluster whatever their distance, with all that they are linked to through others.
        cannot_link : array-like of shape (n_pairs, 2), int, default=None
            Samples that never share a cluster.

        Returns
        -------
        BallClustering
            The estimator itself.
        """
        precomputed = self.metric == "precomputed"
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            order="C",
            accept_sparse=["csr", "coo"] if precomputed else False,
            ensure_all_finite=not precomputed,  # infinite: never merged
        )
        result = complete_linkage(
            X,
            self.distance_threshold if self.n_clusters is None else None,
            n_clusters=self.n_clusters,
            metric=self.metric,
            must_link=must_link,
            cannot_link=cannot_link,
            memory_limit=self.memory_limit,
            n_jobs=self.n_jobs,
        )
        self.labels_ = result.labels
        self.n_clusters_ = result.n_clusters
        self.children_ = result.merges[:, :2].astype(np.int64)
        self.distances_ = result.merges[:, 2].copy()
        return self

    def __sklearn_tags__(self) -> Tags:
        """Say that dissimilarities are compared pair by pair, so that cross-validation cuts both axes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = self.metric == "precomputed"
        return tags
