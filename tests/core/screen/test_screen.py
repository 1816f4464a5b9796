"""The screen of pairs: exact on data large and structured enough that it is used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from bcl_fast import _core, radius_graph
from tests.helpers.linkage import identities


def assert_graph_is_exact(X, threshold):
    graph = radius_graph(X, threshold)
    X = np.asarray(X, np.float64)
    for first in range(0, len(X), 500):
        block = cdist(X[first : first + 500], X, "sqeuclidean")
        within = block <= threshold
        within[np.arange(len(block)), first + np.arange(len(block))] = False
        rows = graph[first : first + 500]
        np.testing.assert_array_equal(rows.indptr, np.concatenate([[0], np.cumsum(within.sum(axis=1))]))
        np.testing.assert_array_equal(rows.indices, np.nonzero(within)[1])
        np.testing.assert_allclose(rows.data, block[within], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.3, 0.8, 1.9])
@pytest.mark.parametrize("dim", [8, 31, 64, 200])
def test_identities(dim, threshold):
    assert_graph_is_exact(identities(2500, dim), threshold)


def test_float64():
    assert_graph_is_exact(identities(2500, 40).astype(np.float64) * 1e6, 0.5e12)


def test_far_from_the_origin():
    assert_graph_is_exact(identities(2500, 40).astype(np.float64) + 1e5, 0.5)


def test_an_outlier_that_ruins_the_scale():
    X = identities(2500, 40)
    X[7] *= 1e6
    assert_graph_is_exact(X, 0.5)


def test_few_directions_hold_everything():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2500, 3)) @ rng.normal(size=(3, 50))
    for threshold in (0.0, 0.5, 20.0):
        assert_graph_is_exact(X, threshold)


def test_duplicates_and_a_threshold_that_equals_distances():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (2600, 10)).astype(np.float32)  # thousands of pairs at each integer
    for threshold in (0.0, 1.0, 4.0):
        assert_graph_is_exact(X, threshold)


@pytest.mark.parametrize("threshold", [0.0, 1.99, 2.0, 300.0])
def test_many_features(threshold):
    rng = np.random.default_rng(0)
    X = np.eye(1500, dtype=np.float32)[rng.integers(0, 1500, 2100)]  # short beside the bound on their length
    X[:50] += rng.normal(size=(50, 1500)) * 0.3
    assert_graph_is_exact(X, threshold)


def test_unstructured():
    assert_graph_is_exact(np.random.default_rng(0).normal(size=(2500, 64)).astype(np.float32), 60.0)


@pytest.mark.parametrize("path", _core.simd_paths())
def test_every_simd_path(path):
    code = (
        "from tests.core.screen.test_screen import assert_graph_is_exact, identities\n"
        "for dim in (10, 64, 100): assert_graph_is_exact(identities(2300, dim), 0.4)"
    )
    root = str(Path(__file__).parents[3])
    search = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"BCL_SIMD": path, "PYTHONPATH": search}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


@pytest.mark.parametrize("seed", range(4))
def test_sums_that_leave_16_bits_on_their_way(seed):
    # Corners of a cube: a few of them stretch all directions at once. Once such a point lost its pairs.
    rng = np.random.default_rng(seed)
    corners = np.sign(rng.normal(size=(3000, 32))) / np.sqrt(32)
    X = np.concatenate([corners, corners + 0.02 / np.sqrt(32) * rng.normal(size=corners.shape)]).astype(np.float32)
    screened, all_pairs = (_core.radius_graph(X, 0.1, directions=directions) for directions in (32, 0))
    assert (screened[-1], all_pairs[-1]) == (32, 0)
    assert len(all_pairs[1]) >= 6000
    for of_screened, of_all in zip(screened[:3], all_pairs[:3], strict=True):
        np.testing.assert_array_equal(of_screened, of_all)
