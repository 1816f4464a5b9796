"""New samples assigned to the clusters that there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast import BallClustering
from bcl_fast.cluster._assign import assign
from tests.helpers.linkage import by_first_appearance, identities


def assign_reference(X_new, X, labels, threshold):
    """The nearest cluster by its farthest member, if that is within the threshold."""
    distances = cdist(X_new, X, "sqeuclidean")
    farthest = np.stack([distances[:, labels == c].max(axis=1) for c in range(labels.max() + 1)], axis=1)
    nearest = farthest.argmin(axis=1)
    return np.where(farthest.min(axis=1) <= threshold, nearest, -1)


@settings(deadline=None)
@given(n=st.integers(1, 30), n_new=st.integers(0, 20), seed=st.integers(0, 2**16), threshold=st.floats(0, 6))
def test_predict_equals_a_slow_twin(n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    labels = by_first_appearance(rng.integers(0, n, n))
    np.testing.assert_array_equal(
        assign(X_new, X, labels, threshold), assign_reference(X_new, X, labels, threshold) if n_new else []
    )


def test_predict_thousands():
    X = identities(6000, 24)
    clustering = BallClustering(0.4).fit(X[:3000])
    predicted = clustering.predict(X[3000:])
    assert 500 < (predicted >= 0).sum() < 2900
    np.testing.assert_array_equal(predicted, assign_reference(X[3000:], X[:3000], clustering.labels_, 0.4))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_predict_in_the_metrics_unit(metric):
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(60, 3)), rng.normal(size=(40, 3))
    clustering = BallClustering(0.5, metric=metric).fit(X)
    distances = cdist(X_new, X, metric)
    predicted = clustering.predict(X_new)
    assert 0 < (predicted >= 0).sum() < 40
    for i, cluster in enumerate(predicted):
        if cluster >= 0:
            assert distances[i, clustering.labels_ == cluster].max() <= 0.5 + 1e-9


def test_a_number_of_clusters_reaches_as_far_as_its_last_merge():
    clustering = BallClustering(n_clusters=2).fit([[0.0], [1.0], [10.0]])
    np.testing.assert_array_equal(clustering.predict([[0.0], [1.0], [0.5], [9.5], [2.5]]), [0, 0, 0, 1, -1])


def test_the_whole_dendrogram_admits_everything():
    np.testing.assert_array_equal(BallClustering(None).fit([[0.0], [1.0]]).predict([[1e9]]), [0])
