"""New samples added to clusters that there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast import BallClustering
from bcl_fast.errors import InputError
from tests.helpers.linkage import average_linkage_reference, complete_linkage_reference


@pytest.mark.parametrize("linkage", ["complete", "average"])
@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 20), n_new=st.integers(1, 15), seed=st.integers(0, 2**16), threshold=st.floats(0.01, 6))
def test_partial_fit_equals_a_slow_twin(linkage, n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    clustering = BallClustering(threshold, linkage=linkage).fit(X)
    old = clustering.labels_
    clustering.partial_fit(X_new)
    both = np.concatenate([X, X_new])
    square = cdist(both, both, "sqeuclidean")
    groups = np.append(old, np.arange(old.max() + 1, old.max() + 1 + n_new))
    square[:n, :n] = np.inf  # old clusters keep their numbers: none is merged with another
    square[groups[:, None] == groups] = 0  # what is one cluster already
    twin = complete_linkage_reference if linkage == "complete" else average_linkage_reference
    wanted, _ = twin(square, threshold)
    np.testing.assert_array_equal(clustering.labels_, wanted)
    np.testing.assert_array_equal(clustering.labels_[:n], old)  # numbers stay
    new = clustering.labels_[n:]
    np.testing.assert_array_equal(clustering.changes_.grown, np.unique(new[new <= old.max()]))
    np.testing.assert_array_equal(clustering.changes_.opened, np.arange(old.max() + 1, clustering.n_clusters_))


def test_partial_fit_keeps_what_may_not_be_linked():
    clustering = BallClustering(4.0).fit([[0.0], [1.0]], cannot_link=[(0, 1)])
    clustering.partial_fit([[0.4]])
    np.testing.assert_array_equal(clustering.labels_, [0, 1, 0])


def test_old_clusters_stay_two_where_a_new_sample_would_bridge_them():
    clustering = BallClustering(4.0, linkage="average").fit([[0.0], [2.5]])
    clustering.partial_fit([[1.2], [1.3]])
    np.testing.assert_array_equal(clustering.labels_[:2], [0, 1])


@pytest.mark.parametrize("linkage", ["complete", "average"])
def test_old_clusters_at_exactly_the_last_height_stay_two(linkage):
    clustering = BallClustering(n_clusters=2, linkage=linkage).fit([[0.0], [1.0], [5.0], [6.0]])
    assert clustering.n_clusters_ == 2
    clustering = BallClustering(n_clusters=3, linkage=linkage).fit([[0.0], [1.0], [5.0], [6.0]])
    clustering.partial_fit([[100.0]])  # 5 and 6 are as close as 0 and 1, and were left apart
    assert clustering.n_clusters_ == 4


def test_partial_fit_comes_first():
    np.testing.assert_array_equal(BallClustering(1.0).partial_fit([[0.0], [1.0]]).labels_, [0, 0])


@pytest.mark.parametrize("method", ["predict", "partial_fit"])
def test_needs_points(method):
    clustering = BallClustering(metric="precomputed").fit(np.zeros((2, 2)))
    with pytest.raises(InputError, match=f"{method} needs an estimator fitted to points, got BallClustering"):
        getattr(clustering, method)(np.zeros((1, 2)))
