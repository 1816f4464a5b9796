"""Ball clustering as a scikit-learn estimator; the work is done in `complete_linkage` and `average_linkage`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.checks import plain_number, whole_number
from bcl_fast.cluster._assign import assign
from bcl_fast.cluster._cut import check_threshold, label_merges, resolve_cut
from bcl_fast.cluster._estimator_file import read_clustering, write_clustering
from bcl_fast.cluster._incremental import extend_clusters
from bcl_fast.cluster._input import as_samples, owns
from bcl_fast.cluster._limits import number_clusters
from bcl_fast.cluster._merge import LinkageName, check_linkage, link
from bcl_fast.cluster._metric import Metric
from bcl_fast.cluster._progress import OnProgress
from bcl_fast.cluster._result import CompleteLinkage
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    import torch

    from bcl_fast.distributed._engine import Engine


class Changes(NamedTuple):
    """What `BallClustering.partial_fit` did.

    Attributes
    ----------
    grown : ndarray of int64
        Clusters that new samples joined.
    opened : ndarray of int64
        New clusters.
    """

    grown: npt.NDArray[np.int64]
    opened: npt.NDArray[np.int64]


class BallClustering(ClusterMixin, BaseEstimator):
    """A linkage, stopped where two clusters no longer fit into one ball; the number of clusters is found.

    With embeddings trained by `BallLoss`, every identity fills a ball of squared radius ``b``, and clusters are merged
    while the largest squared distance between their members is at most ``4 b``, the squared diameter. Exact: see
    `complete_linkage` for what is promised. `average_linkage`, by the mean squared distance, tells more alike where
    balls are not quite round; its thresholds are smaller.

    Parameters
    ----------
    distance_threshold : float, tensor of one number or None, default=0.82
        Distance in the unit of ``metric``, >= 0, up to and including which clusters are merged: as SciPy's ``fcluster``
        and the paper, and unlike scikit-learn's ``AgglomerativeClustering``, which leaves clusters at exactly the
        threshold apart. The default is that of the paper's published model for embeddings of unit norm
        (``b = 0.2051``); a trained model has its own (``model.distance_threshold``), and so has a `BallLoss`, whose
        value at this moment is taken. None: everything is merged.
    n_clusters : int, default=None
        Number of clusters to stop at; then the threshold is not used.
    min_clusters, max_clusters : int, default=None
        Fewest and most clusters: where the threshold leaves too many, merging goes on; where it leaves too few, the
        nearest cut that leaves enough is made.
    min_cluster_size : int, default=1
        Samples of smaller clusters are labelled -1, and these clusters do not count.
    linkage : {"complete", "average"}, default="complete"
        What the threshold is for: the largest distance between two clusters' samples, or the mean of all.
    metric : {"sqeuclidean", "euclidean", "cosine", "precomputed"}, default="sqeuclidean"
        What is measured between samples; "sqeuclidean" or "cosine" for average linkage. For "precomputed" X holds the
        dissimilarities, dense or sparse.
    memory_limit : int, default=None
        Bytes that the clustering may use beside X; if None, three quarters of what is free on the machine and within
        the limit of the container.
    n_jobs : int, default=None
        Threads: None for ``OMP_NUM_THREADS`` or what the process may use, -1 for all that it may use, -2 for all but
        one. The result does not depend on it.
    progress : callable, default=None
        Called by `fit` with a `bcl_fast.cluster.Progress` at the start of each stage and up to ten times a
        second.
    device : str or torch.device, default="cpu"
        ``"cuda"`` or ``"cuda:<number>"`` lets a GPU find the pairs that may be close in `fit`. The result does not
        depend on it.
    engine : {"local", "ray"} or RayEngine, default="local"
        Who finds the pairs in `fit`, as in `complete_linkage`: this process, or the workers of a Ray cluster. The
        result does not depend on it.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each sample, numbered by first appearance; -1 for a sample of a cluster that is too small.
    n_clusters_ : int
        Number of clusters found.
    children_ : ndarray of shape (n_merges, 2), int64
        The two clusters of each merge: below ``n_samples`` a sample, ``n_samples + i`` the result of merge ``i``.
    distances_ : ndarray of shape (n_merges,), float64
        Height of each merge, not decreasing: the distance between the two, in the unit of ``metric``.
    changes_ : Changes
        Clusters that the last `partial_fit` grew and opened.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen by `fit`, where X has names that are all strings.

    See Also
    --------
    complete_linkage, average_linkage : The same as functions, without scikit-learn.
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

    def __init__(
        self,
        distance_threshold: float | None = 0.82,
        *,
        n_clusters: int | None = None,
        min_clusters: int | None = None,
        max_clusters: int | None = None,
        min_cluster_size: int = 1,
        linkage: LinkageName = "complete",
        metric: Metric = "sqeuclidean",
        memory_limit: int | None = None,
        n_jobs: int | None = None,
        progress: OnProgress | None = None,
        device: str | torch.device = "cpu",
        engine: Engine = "local",
    ) -> None:
        # A tensor, such as BallLoss.distance_threshold, could not be cloned; its value now is what is meant.
        self.distance_threshold = plain_number(distance_threshold)
        self.n_clusters = n_clusters
        self.min_clusters = min_clusters
        self.max_clusters = max_clusters
        self.min_cluster_size = min_cluster_size
        self.linkage = linkage
        self.metric = metric
        self.memory_limit = memory_limit
        self.n_jobs = n_jobs
        self.progress = progress
        self.device = device
        self.engine = engine

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
            Embeddings, finite, as in `complete_linkage`. For ``metric="precomputed"`` dissimilarities of shape
            (n_samples, n_samples).
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

        Raises
        ------
        InputError
            A ValueError: as in `complete_linkage`, in the same words.
        """
        check_linkage(self.linkage, self.metric)
        if self.distance_threshold is not None:
            check_threshold(self.distance_threshold)  # also where n_clusters takes its place
        distance_threshold = self.distance_threshold if self.n_clusters is None else None
        precomputed = self.metric == "precomputed"
        points: npt.NDArray[Any] = validate_data(
            self,
            as_samples(X),
            dtype=[np.float64, np.float32],
            order="C",
            accept_sparse=["csr", "coo"] if precomputed else False,
            ensure_all_finite=not precomputed,  # infinite: never merged
        )
        result, self._threshold = link(
            points,
            self.linkage,
            resolve_cut(
                distance_threshold, self.n_clusters, self.min_clusters, self.max_clusters, self.min_cluster_size
            ),
            metric=self.metric,
            must_link=must_link,
            cannot_link=cannot_link,
            memory_limit=self.memory_limit,
            n_jobs=self.n_jobs,
            progress=self.progress,
            device=self.device,
            engine=self.engine,
        )
        # Not the caller's memory, who may fill it with other samples.
        self._fit_X = None if precomputed else points if owns(points, X) else points.copy()
        self._cannot_link = None if cannot_link is None else as_array(cannot_link, "cannot_link").copy()
        self._store(result, result.labels)
        return self

    def _store(self, result: CompleteLinkage, labels: npt.NDArray[np.int64]) -> None:
        self.labels_ = labels
        self.n_clusters_ = int(labels.max()) + 1
        self.children_ = result.merges[:, :2].astype(np.int64)
        self.distances_ = result.merges[:, 2].copy()

    def _all_clusters(self) -> npt.NDArray[np.int64]:
        """Return the cluster of each sample where small ones count too, numbered by first appearance."""
        if not (self.labels_ < 0).any():
            return self.labels_
        return label_merges(self.children_, len(self.labels_))

    def _validate_new(self, X: npt.ArrayLike, method: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return the samples so far, and new ones as an array."""
        check_is_fitted(self)
        if self._fit_X is None:
            raise InputError(f"{method} needs an estimator fitted to points, got {self!r}")
        return self._fit_X, validate_data(self, as_samples(X), dtype=[np.float64, np.float32], order="C", reset=False)

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Assign new samples to the clusters that the linkage would put them into.

        Parameters
        ----------
        X : array-like of shape (n_new, n_features)
            Embeddings, finite. They do not see each other: see `partial_fit`.

        Returns
        -------
        ndarray of shape (n_new,), int64
            The nearest cluster, by its farthest member or by the mean of all, of those within the threshold (for a
            given ``n_clusters``: the height of the last merge); -1 where there is none, or one that is too small.

        Raises
        ------
        InputError
            A ValueError: if the estimator was fitted to precomputed dissimilarities.
        """
        old, new = self._validate_new(X, "predict")
        clusters = self._all_clusters()
        found = assign(
            new, old, clusters, self._threshold, linkage=self.linkage, metric=self.metric, n_jobs=self.n_jobs
        )
        first_members = np.unique(clusters, return_index=True)[1]
        return np.append(self.labels_[first_members], -1)[found]  # -1: none admits it

    def partial_fit(self, X: npt.ArrayLike, y: object = None) -> BallClustering:
        """Add new samples: the linkage goes on from the clusters that there are.

        Clusters keep their numbers: no two of them are merged any more. Samples that no cluster admits open new ones,
        and so does a cluster that was too small and no longer is. Limits on the number of clusters hold for `fit`
        alone. On an estimator that was not fitted this is `fit`.

        Parameters
        ----------
        X : array-like of shape (n_new, n_features)
            Embeddings, finite.
        y : None
            Not used.

        Returns
        -------
        BallClustering
            The estimator itself: ``labels_`` are those of the samples so far, then of X; ``changes_`` says what is new.

        Raises
        ------
        InputError
            A ValueError: as in `predict`.
        """
        if not hasattr(self, "labels_"):
            return self.fit(X)
        old, added = self._validate_new(X, "partial_fit")
        clusters = self._all_clusters()
        n_old = int(clusters.max()) + 1
        clusters = np.append(clusters, np.arange(len(added)) + n_old)
        points = np.concatenate([old, added.astype(old.dtype, copy=False)])
        result = extend_clusters(
            points,
            clusters,
            n_old,
            self._threshold,
            linkage=self.linkage,
            metric=self.metric,
            cannot_link=self._cannot_link,
            memory_limit=self.memory_limit,
            n_jobs=self.n_jobs,
        )
        n_clusters = self.n_clusters_
        labels = number_clusters(result.labels, whole_number("min_cluster_size", self.min_cluster_size), self.labels_)
        new = labels[len(old) :]
        self._fit_X = points
        self._store(result, labels)
        self.changes_ = Changes(
            grown=np.unique(new[(new >= 0) & (new < n_clusters)]), opened=np.arange(n_clusters, self.n_clusters_)
        )
        return self

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the fitted estimator as one ``.safetensors`` file, atomically: samples, clusters and merges.

        Parameters
        ----------
        path : str or path
            Ends in ``.safetensors``.
        force : bool, default=False
            Replace a file that is there.

        Raises
        ------
        InputError
            A ValueError: if the name does not end so, the file exists and ``force`` is false, or its folder cannot be
            written to.
        """
        check_is_fitted(self)
        arrays = {"labels": self.labels_, "children": self.children_, "distances": self.distances_}
        if self._fit_X is not None:
            arrays["samples"] = self._fit_X
        if self._cannot_link is not None:
            arrays["cannot_link"] = self._cannot_link.reshape(-1, 2).astype(np.int64)
        about = {
            "parameters": {
                name: value for name, value in self.get_params().items() if name not in ("progress", "engine")
            },
            "reach": self._threshold,
            "n_features": self.n_features_in_,
            "feature_names": getattr(self, "feature_names_in_", np.array([])).tolist(),
        }
        write_clustering(path, arrays, about, force=force)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BallClustering:
        """Read an estimator that `save` wrote: it predicts and goes on with `partial_fit` as the one saved would.

        Parameters
        ----------
        path : str or path
            The file. Nothing in it is executed.

        Raises
        ------
        InputError
            A ValueError: if the file is missing, damaged or of another kind.
        """
        arrays, about = read_clustering(path)
        try:
            clustering = cls(**about["parameters"])
            clustering._threshold = float(about["reach"])
            clustering.n_features_in_ = int(about["n_features"])
            if about["feature_names"]:
                clustering.feature_names_in_ = np.array(about["feature_names"], dtype=object)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise InputError(f"the clustering {os.fspath(path)} has damaged metadata: {error!r}") from error
        clustering._fit_X, clustering._cannot_link = arrays.get("samples"), arrays.get("cannot_link")
        clustering.labels_, clustering.children_ = arrays["labels"], arrays["children"]
        clustering.distances_ = arrays["distances"]
        clustering.n_clusters_ = int(clustering.labels_.max(initial=-1)) + 1
        return clustering

    def __sklearn_tags__(self) -> Tags:
        """Say that dissimilarities are compared pair by pair, so that cross-validation cuts both axes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.metric == "precomputed"
        tags.input_tags.sparse = self.metric == "precomputed"
        return tags
