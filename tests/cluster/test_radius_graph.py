"""`radius_graph` against all float64 distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial.distance import pdist, squareform

from bcl_fast import _core, radius_graph


def assert_is_graph_of(graph, X, threshold):
    """Exactly the pairs within the threshold in float64, with their distances, symmetric and sorted."""
    distances = squareform(pdist(np.asarray(X, np.float64), "sqeuclidean"))
    wanted = distances <= threshold
    np.fill_diagonal(wanted, False)
    assert isinstance(graph, csr_array)
    assert graph.shape == (len(X), len(X))
    rows, columns = np.nonzero(wanted)
    np.testing.assert_array_equal(graph.indptr, np.concatenate([[0], np.cumsum(wanted.sum(axis=1))]))
    np.testing.assert_array_equal(graph.indices, columns)  # ascending in each row
    np.testing.assert_allclose(graph.data, distances[rows, columns], rtol=2e-7, atol=0)
    assert (graph != graph.T).nnz == 0


@settings(deadline=None)
@given(
    n=st.integers(2, 60),
    dim=st.integers(1, 20),
    seed=st.integers(0, 2**16),
    quantile=st.floats(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_holds_the_pairs_within_the_threshold(n, dim, seed, quantile, dtype):
    X = np.random.default_rng(seed).normal(size=(n, dim)).astype(dtype)
    # A distance that occurs: the pair that has it must be in.
    threshold = np.quantile(pdist(X.astype(np.float64), "sqeuclidean"), quantile, method="nearest")
    assert_is_graph_of(radius_graph(X, threshold), X, threshold)


@pytest.mark.parametrize(("n", "dim"), [(1000, 64), (777, 33), (300, 257)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes_of_several_tiles(n, dim, dtype):
    X = np.random.default_rng(n).normal(size=(n, dim)).astype(dtype)
    threshold = np.quantile(pdist(X.astype(np.float64), "sqeuclidean"), 0.03)
    assert_is_graph_of(radius_graph(X, threshold), X, threshold)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scale", "offset"), [(1e18, 0.0), (1e-20, 0.0), (1.0, 1e6), (1e3, 1e6)])
def test_huge_tiny_and_far_data(scale, offset, dtype):
    X = (np.random.default_rng(3).normal(size=(90, 12)) * scale + offset).astype(dtype)
    distances = np.sort(pdist(X.astype(np.float64), "sqeuclidean"))
    for threshold in (distances[40], np.nextafter(distances[40], 0), distances[2000]):
        assert_is_graph_of(radius_graph(X, threshold), X, threshold)


def test_integer_grid_keeps_pairs_at_the_threshold():
    X = np.random.default_rng(0).integers(-3, 4, size=(300, 3))
    for threshold in (0, 1, 2, 14):
        assert_is_graph_of(radius_graph(X, threshold), X, threshold)
        assert_is_graph_of(radius_graph(X.astype(np.float32), threshold), X, threshold)


def test_identical_samples_are_explicit_zeros():
    graph = radius_graph(np.full((5, 3), 0.1, np.float32), 0)
    assert graph.nnz == 20
    assert not graph.data.any()


def test_infinite_threshold_keeps_all_pairs():
    X = np.random.default_rng(0).normal(size=(150, 5))
    assert_is_graph_of(radius_graph(X, np.inf), X, np.inf)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_samples_for_a_pair(n):
    graph = radius_graph(np.zeros((n, 4), np.float32), 1.0)
    assert graph.shape == (n, n)
    assert graph.nnz == 0
    assert graph.dtype == np.float32


def test_two_samples():
    assert radius_graph([[0.0], [2.0]], 4.0).toarray().tolist() == [[0, 4], [4, 0]]
    assert radius_graph([[0.0], [2.0]], 3.999).nnz == 0


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.uint32, bool, ">f4", np.longdouble])
def test_other_dtypes(dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(30, 6)).astype(dtype)
    assert_is_graph_of(radius_graph(X, 2), X, 2)


def test_strided_input_is_copied_and_left_alone():
    whole = np.random.default_rng(0).normal(size=(60, 14)).astype(np.float32)
    X, before = whole[::2, ::2], whole.copy()
    assert_is_graph_of(radius_graph(X, 8.0), X, 8.0)
    assert_is_graph_of(radius_graph(np.asfortranarray(X), 8.0), X, 8.0)
    np.testing.assert_array_equal(whole, before)


@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_same_bits_for_any_number_of_threads(n_jobs):
    X = np.random.default_rng(5).normal(size=(900, 24)).astype(np.float32)
    one, many = radius_graph(X, 20.0, n_jobs=1), radius_graph(X, 20.0, n_jobs=n_jobs)
    assert one.nnz > 1000
    for name in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_points_that_are_not_aligned():
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    shifted = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape)
    np.testing.assert_array_equal(radius_graph(shifted, 1.0).toarray(), radius_graph(X, 1.0).toarray())
    with pytest.raises(ValueError, match="points must be aligned in memory"):
        _core.radius_graph(shifted, 1.0)
