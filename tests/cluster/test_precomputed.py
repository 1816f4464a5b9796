"""Precomputed dissimilarities as they come out of other libraries: rounded, one-way, condensed."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, is_monotonic, is_valid_linkage
from scipy.cluster.hierarchy import linkage as scipy_linkage
from scipy.sparse import coo_array, triu
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import kneighbors_graph, radius_neighbors_graph

from bcl_fast import complete_linkage, linkage
from bcl_fast.errors import InputError
from tests.helpers.linkage import by_first_appearance

X = np.random.default_rng(0).normal(size=(60, 16))
U = X / np.linalg.norm(X, axis=1, keepdims=True)
U32 = U.astype(np.float32)
SQUARES32 = (U32**2).sum(1)[:, None] + (U32**2).sum(1) - 2 * (U32 @ U32.T)
ROUNDED = {
    "1 - U @ U.T": 1 - U @ U.T,
    "1 - cosine_similarity": 1 - cosine_similarity(X.astype(np.float32)),
    "1 - corrcoef": 1 - np.corrcoef(X),
    "squares in float32": SQUARES32,
    "their roots": np.sqrt(np.maximum(SQUARES32, 0)),
    "Fortran order": np.asfortranarray(1 - U32 @ U32.T),
    "every second": (1 - U32 @ U32.T)[::2, ::2],
}


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded_matrices_are_clustered_as_by_scipy(name):
    D = ROUNDED[name]
    mean = ((D + D.T) / 2).astype(np.float64)
    tree = scipy_linkage(np.maximum(squareform(mean, checks=False), 0), "complete")
    for threshold in (tree[20, 2] + 1e-4, tree[40, 2] + 1e-4 if len(D) > 41 else 0.5):
        result = complete_linkage(D, threshold, metric="precomputed")
        np.testing.assert_array_equal(result.labels, by_first_appearance(fcluster(tree, threshold, "distance")))


def test_copies_whose_distances_are_all_rounding():
    copies = np.repeat(U32, 3, axis=0)
    D = np.sqrt(np.abs((copies**2).sum(1)[:, None] + (copies**2).sum(1) - 2 * (copies @ copies.T)))
    D[0, 1], D[1, 0] = 0.0, 5e-4  # roots of what is left of 1
    assert complete_linkage(D, 0.01, metric="precomputed").n_clusters == len(U)


def test_neighbour_graphs_of_scikit_learn():
    within = radius_neighbors_graph(X, 5.0, mode="distance")
    wanted = complete_linkage(X, 5.0, metric="euclidean").labels
    np.testing.assert_array_equal(complete_linkage(within, 5.0, metric="precomputed").labels, wanted)
    nearest = kneighbors_graph(X, 5, mode="distance")
    both = nearest.maximum(nearest.T)
    result = complete_linkage(nearest, metric="precomputed")
    np.testing.assert_array_equal(result.labels, complete_linkage(both, metric="precomputed").labels)
    np.testing.assert_array_equal(result.labels, complete_linkage(triu(both), metric="precomputed").labels)


def test_the_diagonal_is_not_looked_at():
    D = squareform(pdist(X))
    wanted = complete_linkage(D, 5.0, metric="precomputed").labels
    for value in (1e-7, -3.0, 5.0, np.nan, np.inf):
        np.fill_diagonal(D, value)
        np.testing.assert_array_equal(complete_linkage(D, 5.0, metric="precomputed").labels, wanted)
        np.testing.assert_array_equal(complete_linkage(coo_array(D), 5.0, metric="precomputed").labels, wanted)


def test_a_sentinel_for_never_lets_nothing_through():
    D = squareform(pdist(X))
    D[:20, 40:] = D[40:, :20] = 1e12
    D[0, 1] += 0.1
    for matrix in (D, coo_array(D)):
        with pytest.raises(InputError, match=r"symmetric, .* \(0, 1\) and \(1, 0\)"):
            complete_linkage(matrix, 5.0, metric="precomputed")


@settings(deadline=None)
@given(
    n=st.integers(2, 40),
    seed=st.integers(0, 2**16),
    levels=st.integers(1, 40),
    quantile=st.floats(0, 1),
    missing=st.floats(0, 0.5),
    constrained=st.booleans(),
)
def test_dense_equals_sparse_ties_included(n, seed, levels, quantile, missing, constrained):
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 1 + levels, n * (n - 1) // 2).astype(np.float64)
    threshold = np.quantile(distances, quantile, method="nearest")
    distances[rng.random(len(distances)) < missing] = np.inf
    D = squareform(distances)
    graph = coo_array(np.where(np.isfinite(D), D, 0))
    options = {"cannot_link": [(0, n - 1)]} if constrained else {}
    dense, sparse = (complete_linkage(matrix, threshold, metric="precomputed", **options) for matrix in (D, graph))
    np.testing.assert_array_equal(dense.labels, sparse.labels)
    np.testing.assert_array_equal(dense.merges, sparse.merges)


def test_groups_that_must_link_come_first():
    D = np.array([[0, 9, 0, 5.0], [9, 0, 8, 5], [0, 8, 0, 5], [5, 5, 5, 0]])
    result = complete_linkage(D, metric="precomputed", must_link=[(0, 1)], cannot_link=[(1, 3)])
    assert result.labels.tolist() == [0, 0, 1, 1]
    assert result.merges[:, 2].tolist() == [0, 5]


@settings(deadline=None)
@given(n=st.integers(2, 60), seed=st.integers(0, 2**16), method=st.sampled_from(["complete", "average"]))
def test_condensed_equals_scipy(n, seed, method):
    distances = np.random.default_rng(seed).random(n * (n - 1) // 2)
    before = distances.copy()
    tree, wanted = linkage(distances, method), scipy_linkage(distances, method)
    np.testing.assert_array_equal(tree[:, [0, 1, 3]], wanted[:, [0, 1, 3]])
    np.testing.assert_allclose(tree[:, 2], wanted[:, 2], rtol=1e-12)
    np.testing.assert_array_equal(distances, before)


@settings(deadline=None)
@given(n=st.integers(2, 60), value=st.floats(1e-3, 1e3), levels=st.integers(1, 3), seed=st.integers(0, 2**16))
def test_means_of_equal_distances_do_not_fall(n, value, levels, seed):
    distances = value * np.random.default_rng(seed).integers(1, 1 + levels, n * (n - 1) // 2)
    tree = linkage(distances, "average")
    assert is_valid_linkage(tree)
    assert is_monotonic(tree)


def test_condensed_rounding_below_zero():
    assert linkage([-1e-9, 1.0, 1.0])[0].tolist() == [0, 1, 0, 2]
    with pytest.raises(InputError, match=r"must be >= 0, got -0.1 for the pair \(0, 1\)"):
        linkage([-0.1, 1.0, 1.0])


def test_memory_of_a_dense_matrix():
    D = squareform(pdist(X))
    with pytest.raises(InputError, match="a dense matrix of 60 samples needs a memory_limit of at least 29,520 bytes"):
        complete_linkage(D, metric="precomputed", memory_limit=29_519)
    assert complete_linkage(D, metric="precomputed", memory_limit=29_520).n_clusters == 1


MEASURED = """
import sys, numpy as np, scipy.sparse
from bcl_fast import complete_linkage
def status(name): return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
D = np.abs(np.arange(3000.0)[:, None] - np.arange(3000.0)).astype(sys.argv[1])
complete_linkage(D[:9, :9].copy(), metric="precomputed")
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
complete_linkage(D, metric="precomputed")
print(1024 * (status("VmHWM") - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""), reason="sanitizers take memory of their own")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_dense_matrix_takes_one_condensed_copy(dtype):
    run = subprocess.run([sys.executable, "-c", MEASURED, dtype], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1.15 * 3000 * 2999 / 2 * np.dtype(dtype).itemsize
