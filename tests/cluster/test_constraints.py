"""Pairs that must, or must not, share a cluster."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bcl_fast import BallClustering, complete_linkage
from bcl_fast.errors import InputError
from tests.helpers.linkage import complete_linkage_reference, have_ties, squared_distances


def constrained_reference(X, threshold, must_link, cannot_link):
    """Textbook loop on distances with the constraints written in."""
    square = ((X[:, None] - X) ** 2).sum(2)
    linked = np.eye(len(X), dtype=bool)
    for a, b in must_link:
        linked[a, b] = linked[b, a] = True
    for _ in range(len(X)):
        linked = (linked.astype(int) @ linked) > 0
    square[linked] = 0
    for a, b in cannot_link:
        square[a, b] = square[b, a] = np.inf
    return complete_linkage_reference(square, threshold), linked


@settings(deadline=None)
@given(
    n=st.integers(2, 25),
    n_must=st.integers(0, 6),
    n_cannot=st.integers(0, 12),
    quantile=st.floats(0, 1),
    seed=st.integers(0, 2**16),
    metric=st.sampled_from(["sqeuclidean", "precomputed"]),
)
def test_equals_a_slow_twin(n, n_must, n_cannot, quantile, seed, metric):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    distances = squared_distances(X)
    assume(not have_ties(distances))
    must_link, cannot_link = rng.integers(0, n, (n_must, 2)), rng.integers(0, n, (n_cannot, 2))
    threshold = np.quantile(distances, quantile)
    (labels, heights), linked = constrained_reference(X, threshold, must_link, cannot_link)
    cannot_link = cannot_link[~linked[cannot_link[:, 0], cannot_link[:, 1]]]
    (labels, heights), _ = constrained_reference(X, threshold, must_link, cannot_link)
    given_X = ((X[:, None] - X) ** 2).sum(2) if metric == "precomputed" else X
    result = complete_linkage(given_X, threshold, metric=metric, must_link=must_link, cannot_link=cannot_link)
    np.testing.assert_array_equal(result.labels, labels)
    np.testing.assert_allclose(result.merges[:, 2], heights, rtol=1e-14)
    assert result.n_clusters == labels.max() + 1


def test_must_link_joins_what_lies_beyond_the_threshold():
    result = complete_linkage([[0.0], [100.0], [100.5], [7.0]], 1.0, must_link=[(0, 1)])
    np.testing.assert_array_equal(result.labels, [0, 0, 1, 2])
    np.testing.assert_array_equal(result.merges, [[0, 1, 0, 2]])


def test_estimator_takes_constraints():
    clustering = BallClustering(distance_threshold=4.0).fit([[0.0], [1.0], [2.0]], cannot_link=[(0, 1)])
    np.testing.assert_array_equal(clustering.labels_, [0, 1, 1])


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"cannot_link": [(1, 1)]}, r"cannot_link has the pair \(1, 1\), but they are the same sample"),
        (
            {"must_link": [(0, 1), (1, 2)], "cannot_link": [(2, 0)]},
            r"cannot_link has the pair \(2, 0\), but must_link puts them into one cluster",
        ),
        ({"must_link": [(0, 3)]}, r"must_link must hold indices in \[0, 3\), got \(0, 3\) in row 0"),
        ({"cannot_link": [(0, 1), (-1, 2)]}, r"cannot_link must hold indices in \[0, 3\), got \(-1, 2\) in row 1"),
        ({"cannot_link": [0, 1]}, r"cannot_link must be pairs of sample indices, .*, got int64 of shape \(2,\)"),
        ({"must_link": [(0.5, 1.0)]}, "must_link must be pairs of sample indices, .* got float64"),
    ],
)
def test_bad_constraints(constraints, message):
    with pytest.raises(InputError, match=message):
        complete_linkage([[0.0], [1.0], [2.0]], 1.0, **constraints)
