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
from bcl_fast.cluster import CompleteLinkage
from bcl_fast.errors import InputError
from tests.helpers.linkage import assert_is_a_complete_linkage, by_first_appearance, have_ties, identities


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(2, 80),
    dim=st.integers(2, 5),
    seed=st.integers(0, 2**16),
    offset=st.sampled_from([0, 1e3]),
    metric=st.sampled_from([None, "euclidean", "sqeuclidean", "cosine"]),
    condensed=st.booleans(),
    share=st.floats(0, 1),
)
def test_is_a_drop_in_for_scipy(n, dim, seed, offset, metric, condensed, share):
    if metric == "cosine":
        offset = 0  # far from the origin all angles are nearly the same
    X = np.random.default_rng(seed).normal(size=(n, dim)) + offset
    distances = pdist(X, metric or "euclidean")
    assume(not have_ties(distances) and (metric != "cosine" or distances.min() > 1e-6))
    options = {"metric": metric} if metric else {}
    given_X = distances if condensed else X
    Z, wanted = linkage(given_X, "complete", **options), scipy_linkage(given_X, "complete", **options)
    assert is_valid_linkage(Z)
    np.testing.assert_array_equal(Z[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    if metric == "cosine":  # which SciPy has from products of vectors
        np.testing.assert_allclose(Z[:, 2], wanted[:, 2], rtol=1e-12, atol=1e-15)
    else:
        np.testing.assert_array_equal(Z[:, 2], wanted[:, 2])
    n_clusters = 1 + round(share * (n - 1))
    np.testing.assert_array_equal(fcluster(Z, n_clusters, "maxclust"), fcluster(wanted, n_clusters, "maxclust"))
    between = np.append(0, wanted[:, 2])[: n - n_clusters + 2][-2:].mean()
    np.testing.assert_array_equal(fcluster(Z, between, "distance"), fcluster(wanted, between, "distance"))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 40), width=st.integers(1, 5), seed=st.integers(0, 2**16), condensed=st.booleans())
def test_ties(n, width, seed, condensed):
    X = np.random.default_rng(seed).integers(0, width, size=(n, 2))
    distances = pdist(X, "sqeuclidean")
    merges = linkage(distances) if condensed else linkage(X, metric="sqeuclidean")
    assert is_valid_linkage(merges)
    assert_is_a_complete_linkage(CompleteLinkage(np.zeros(n, np.int64), merges, 1), distances, np.inf)


def test_means_whose_sums_no_number_holds():
    distances = np.random.default_rng(0).random(40 * 39 // 2)
    wanted = linkage(distances, "average")
    merges = linkage(distances * 2.0**1023, "average")
    np.testing.assert_array_equal(merges, wanted * [1, 1, 2.0**1023, 1])


@pytest.mark.parametrize("condensed", [True, False])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_optimal_ordering(metric, condensed):
    X = np.random.default_rng(0).normal(size=(60, 4))
    X = pdist(X, metric) if condensed else X
    Z, wanted = (f(X, "complete", metric, True) for f in (linkage, scipy_linkage))
    np.testing.assert_allclose(Z, wanted, rtol=1e-12)
    assert not np.array_equal(Z, linkage(X, "complete", metric))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]], "single"), "method must be 'complete' or 'average', the linkages that there are, got 'single'"),
        (
            ([[0.0]], "average"),
            "average linkage needs the metric 'sqeuclidean' or 'cosine', whose mean between two clusters follows from "
            "the clusters' means, got 'euclidean'",
        ),
        (
            ([[0.0]], "complete", "cityblock"),
            "metric must be one of 'euclidean', 'sqeuclidean', 'cosine', got 'cityblock'",
        ),
        (([[0.0]], "complete", "precomputed"), "for any other give condensed distances"),
        (([1.0, 2.0],), r"condensed distances must be those of n \* \(n - 1\) / 2 pairs, got 2"),
        (([],), r"condensed distances must be those of n \* \(n - 1\) / 2 pairs, got 0"),
        (([1.0, np.inf, 2.0],), "condensed distances must be finite, got inf at place 1"),
        (([1.0, np.nan, 2.0],), "condensed distances must be finite, got nan at place 1"),
        (([1.0, -1.0, 2.0],), r"precomputed dissimilarities must be >= 0, got -1.0 for the pair \(0, 2\)"),
        ((["a"],), "condensed distances must be real numbers, got dtype <U1"),
        ((np.zeros((2, 2, 2)),), "X must be 2-D"),
    ],
)
def test_bad_input_gets_a_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        linkage(*arguments)


def test_linkage_of_thousands_equals_scipy():
    X = identities(3000, 24)
    Z, wanted = linkage(X, metric="sqeuclidean"), scipy_linkage(X.astype(np.float64), "complete", "sqeuclidean")
    np.testing.assert_array_equal(Z[:, 2], wanted[:, 2])
    for n_clusters in (2, 50, 500):
        labels = complete_linkage(X, n_clusters=n_clusters).labels
        np.testing.assert_array_equal(labels, by_first_appearance(fcluster(wanted, n_clusters, "maxclust")))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["sqeuclidean", "cosine"])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e18, 0.0), (1e-20, 0.0), (1.0, 1e3)])
def test_average_is_a_drop_in_for_scipy(scale, offset, metric, dtype):
    X = (identities(600, 7) * scale + (offset if metric == "sqeuclidean" else 0)).astype(dtype)
    Z, wanted = (
        f(X.astype(np.float64) if f is scipy_linkage else X, "average", metric) for f in (linkage, scipy_linkage)
    )
    assert is_valid_linkage(Z)
    np.testing.assert_array_equal(Z[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(Z[:, 2], wanted[:, 2], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean"])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1e18, 0.0), (1e-20, 0.0), (1.0, 1e6)])
def test_a_cut_at_any_height_of_scipys_is_scipys(scale, offset, metric, dtype):
    X = (np.random.default_rng(3).normal(size=(300, 19)) * scale + offset).astype(dtype)
    Z, wanted = linkage(X, "complete", metric), scipy_linkage(X.astype(np.float64), "complete", metric)
    for height in wanted[:, 2]:
        np.testing.assert_array_equal(fcluster(Z, height, "distance"), fcluster(wanted, height, "distance"))


@pytest.mark.parametrize("n", [0, 1])
def test_linkage_of_nothing_and_of_one(n):
    assert linkage(np.zeros((n, 3))).shape == (0, 4)
