"""`linkage` against SciPy's function of this name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_valid_linkage
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.spatial.distance import pdist

from bcl_fast import complete_linkage, linkage
from tests.helpers.linkage import by_first_appearance, have_float32_ties, identities


@settings(deadline=None, max_examples=30)
@given(n=st.integers(2, 80), dim=st.integers(1, 5), seed=st.integers(0, 2**16), offset=st.sampled_from([0, 1e4]))
def test_linkage_is_a_drop_in_for_scipy(n, dim, seed, offset):
    X = np.random.default_rng(seed).normal(size=(n, dim)) + offset
    distances = pdist(X, "sqeuclidean")
    assume(not have_float32_ties(distances))
    Z = linkage(X)
    wanted = scipy_linkage(distances, "complete")
    assert is_valid_linkage(Z)
    np.testing.assert_array_equal(Z[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(Z[:, 2], wanted[:, 2], rtol=1e-6)


def test_linkage_of_thousands_equals_scipy():
    X = identities(3000, 24)
    Z, wanted = linkage(X), scipy_linkage(pdist(X.astype(np.float64), "sqeuclidean"), "complete")
    np.testing.assert_allclose(Z[:, 2], wanted[:, 2], rtol=1e-6)
    for n_clusters in (2, 50, 500):
        labels = complete_linkage(X, n_clusters=n_clusters).labels
        np.testing.assert_array_equal(labels, by_first_appearance(fcluster(wanted, n_clusters, "maxclust")))


@pytest.mark.parametrize("n", [0, 1])
def test_linkage_of_nothing_and_of_one(n):
    assert linkage(np.zeros((n, 3))).shape == (0, 4)
