"""New samples added to clusters that there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from bcl_fast import BallClustering
from bcl_fast.errors import InputError
from tests.helpers.linkage import complete_linkage_reference


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 20), n_new=st.integers(1, 15), seed=st.integers(0, 2**16), threshold=st.floats(0.01, 6))
def test_partial_fit_equals_a_slow_twin(n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    clustering = BallClustering(threshold).fit(X)
    old = clustering.labels_
    clustering.partial_fit(X_new)
    both = np.concatenate([X, X_new])
    square = cdist(both, both, "sqeuclidean")
    groups = np.append(old, np.arange(old.max() + 1, old.max() + 1 + n_new))
    square[groups[:, None] == groups] = 0  # what is one cluster already
    wanted, _ = complete_linkage_reference(square, threshold)
    np.testing.assert_array_equal(clustering.labels_, wanted)
    np.testing.assert_array_equal(clustering.labels_[:n], old)  # numbers stay
    new = clustering.labels_[n:]
    np.testing.assert_array_equal(clustering.changes_.grown, np.unique(new[new <= old.max()]))
    np.testing.assert_array_equal(clustering.changes_.opened, np.arange(old.max() + 1, clustering.n_clusters_))


def test_partial_fit_keeps_what_may_not_be_linked():
    clustering = BallClustering(4.0).fit([[0.0], [1.0]], cannot_link=[(0, 1)])
    clustering.partial_fit([[0.4]])
    np.testing.assert_array_equal(clustering.labels_, [0, 1, 0])


def test_partial_fit_comes_first():
    np.testing.assert_array_equal(BallClustering(1.0).partial_fit([[0.0], [1.0]]).labels_, [0, 0])


@pytest.mark.parametrize("method", ["predict", "partial_fit"])
def test_needs_points(method):
    clustering = BallClustering(metric="precomputed").fit(np.zeros((2, 2)))
    with pytest.raises(InputError, match=f"{method} needs an estimator fitted to points, got BallClustering"):
        getattr(clustering, method)(np.zeros((1, 2)))
