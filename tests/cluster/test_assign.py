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

LINKAGES = pytest.mark.parametrize("linkage", ["complete", "average"])


def assign_reference(X_new, X, labels, threshold, linkage):
    """The nearest cluster by its farthest member, or the mean of all, if that is within the threshold."""
    distances, of_members = cdist(X_new, X, "sqeuclidean"), np.max if linkage == "complete" else np.mean
    to_clusters = np.stack([of_members(distances[:, labels == c], axis=1) for c in range(labels.max() + 1)], axis=1)
    return np.where(to_clusters.min(axis=1) <= threshold, to_clusters.argmin(axis=1), -1)


@LINKAGES
@settings(deadline=None)
@given(n=st.integers(1, 30), n_new=st.integers(0, 20), seed=st.integers(0, 2**16), threshold=st.floats(0, 6))
def test_predict_equals_a_slow_twin(linkage, n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    labels = by_first_appearance(rng.integers(0, n, n))
    wanted = assign_reference(X_new, X, labels, threshold, linkage) if n_new else []
    np.testing.assert_array_equal(assign(X_new, X, labels, threshold, linkage=linkage), wanted)


@LINKAGES
def test_predict_thousands(linkage):
    X = identities(6000, 24)
    clustering = BallClustering(0.4, linkage=linkage).fit(X[:3000])
    predicted = clustering.predict(X[3000:])
    assert 500 < (predicted >= 0).sum() < 2900
    np.testing.assert_array_equal(predicted, assign_reference(X[3000:], X[:3000], clustering.labels_, 0.4, linkage))


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


@LINKAGES
def test_a_number_of_clusters_reaches_as_far_as_its_last_merge(linkage):
    clustering = BallClustering(n_clusters=2, linkage=linkage).fit([[0.0], [1.0], [10.0]])
    np.testing.assert_array_equal(clustering.predict([[0.0], [1.0], [0.5], [9.5], [2.5]]), [0, 0, 0, 1, -1])


def test_the_whole_dendrogram_admits_everything():
    np.testing.assert_array_equal(BallClustering(None).fit([[0.0], [1.0]]).predict([[1e9]]), [0])
