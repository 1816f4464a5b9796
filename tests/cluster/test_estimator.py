"""`BallClustering`: scikit-learn's contract, and that it is `complete_linkage`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import check_estimator

from bcl_fast import BallClustering, average_linkage, complete_linkage


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, 8))[rng.integers(20, size=300)] + 0.3 * rng.normal(size=(300, 8))


def test_passes_the_checks_of_scikit_learn():
    with warnings.catch_warnings():
        # Warnings of checks written for other SciPy and NumPy versions are not ours.
        warnings.simplefilter("ignore")
        results = check_estimator(BallClustering(), on_skip=None, on_fail="raise")
    assert sum(result["status"] == "passed" for result in results) > 30


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("linkage", [complete_linkage, average_linkage])
def test_is_the_linkage(samples, dtype, linkage):
    clustering = BallClustering(2.0, linkage=linkage.__name__.removesuffix("_linkage")).fit(samples.astype(dtype))
    result = linkage(samples.astype(dtype), 2.0)
    np.testing.assert_array_equal(clustering.labels_, result.labels)
    np.testing.assert_array_equal(clustering.children_, result.merges[:, :2])
    np.testing.assert_array_equal(clustering.distances_, result.merges[:, 2])
    assert clustering.n_clusters_ == result.n_clusters
    assert clustering.n_features_in_ == 8
    assert clustering.children_.dtype == clustering.labels_.dtype == np.int64


def test_finds_the_clusters_of_scikit_learn(samples):
    ours = BallClustering(2.0).fit(samples)
    theirs = AgglomerativeClustering(None, linkage="complete", distance_threshold=np.sqrt(2.0)).fit(samples)
    assert ours.n_clusters_ == theirs.n_clusters_
    assert adjusted_rand_score(ours.labels_, theirs.labels_) == 1.0


def test_merges_at_the_threshold_where_scikit_learn_does_not():
    X = [[0.0], [1.0]]
    assert BallClustering(1.0).fit(X).n_clusters_ == 1
    assert AgglomerativeClustering(None, linkage="complete", distance_threshold=1.0).fit(X).n_clusters_ == 2


def test_fit_predict_clone_and_pipeline(samples):
    clustering = BallClustering(0.5, n_jobs=1)
    labels = clone(clustering).fit_predict(samples)
    np.testing.assert_array_equal(labels, BallClustering(0.5).fit(samples).labels_)
    np.testing.assert_array_equal(
        make_pipeline(Normalizer(), clustering).fit_predict(samples),
        complete_linkage(Normalizer().fit_transform(samples), 0.5).labels,
    )


def test_infinite_threshold_gives_one_cluster(samples):
    clustering = BallClustering(np.inf).fit(samples)
    assert clustering.n_clusters_ == 1
    assert len(clustering.distances_) == len(samples) - 1


def test_only_the_threshold_is_positional():
    with pytest.raises(TypeError, match="positional"):
        BallClustering(0.5, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distance_threshold": -0.1}, "distance_threshold must be a distance >= 0, got -0.1"),
        ({"distance_threshold": float("nan")}, "distance_threshold must be a distance >= 0, got nan"),
        ({"distance_threshold": "far"}, "distance_threshold must be a distance >= 0, got 'far'"),
        ({"distance_threshold": -1, "n_clusters": 2}, "distance_threshold must be a distance >= 0, got -1"),
        ({"n_clusters": 0}, r"n_clusters must be between 1 and n_samples \(300\), got 0"),
        ({"n_clusters": 2.5}, "n_clusters must be a whole number, got 2.5"),
        ({"linkage": "single"}, "linkage must be 'complete' or 'average', got 'single'"),
        ({"linkage": "average", "metric": "euclidean"}, "average linkage needs the metric 'sqeuclidean' or 'cosine'"),
        ({"metric": "manhattan"}, "metric must be one of 'sqeuclidean', 'euclidean', 'cosine', 'precomputed', got"),
        ({"memory_limit": 0}, "memory_limit must be a positive number of bytes, got 0"),
        ({"n_jobs": 0}, "n_jobs must be None or a whole number other than 0"),
        ({"progress": 3}, "progress must be None or a function of one Progress, got 3"),
        ({"device": 3}, "device must be 'cpu', 'cuda' or 'cuda:<number>', got 3"),
    ],
)
def test_bad_parameters_are_named_when_fitting(samples, options, message):
    with pytest.raises(ValueError, match=message):
        BallClustering(**options).fit(samples)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((0, 3)), "Found array with 0 sample"),
        (np.zeros((3, 0)), "Found array with 0 feature"),
        (np.zeros(3), "Expected 2D array, got 1D array"),
        ([[0.0], [np.nan]], "Input X contains NaN"),
    ],
)
def test_bad_samples_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        BallClustering().fit(X)
