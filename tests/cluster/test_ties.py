"""Which of equal distances merge first is a matter of the samples' numbers: nothing else that is chosen shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import squareform

from bcl_fast import InputError, average_linkage, complete_linkage, linkage
from tests.helpers.linkage import squared_distances

LINKAGES = {"complete": complete_linkage, "average": average_linkage}


def points_of(kind: str) -> tuple[NDArray[Any], float]:
    rng = np.random.default_rng(7)
    binary = (np.arange(1024)[:, None] >> np.arange(10)) & 1
    return {
        "grid": (rng.integers(0, 12, (1500, 3)).astype(np.float64), 6.0),
        "fewer, more copies": (rng.integers(0, 3, (1500, 4)).astype(np.float32), 4.0),
        "all corners of a cube": (rng.permutation(binary).astype(np.float32), 3.0),
        "one distance": (np.eye(700, dtype=np.float32), 2.0),
    }[kind]


def limits(link: Any, X: NDArray[Any], threshold: float) -> Iterator[int | None]:
    """The least memory that will do, somewhat more, and as much as is of use."""
    with pytest.raises(InputError) as refusal:
        link(X, threshold, memory_limit=1)
    least = int(re.search(r"at least ([\d,]+) bytes", str(refusal.value))[1].replace(",", ""))
    yield from (least, least + least // 10, 2 * least, None)


@pytest.mark.parametrize("method", LINKAGES)
@pytest.mark.parametrize("kind", ["grid", "fewer, more copies", "all corners of a cube", "one distance"])
def test_neither_memory_nor_threads_show(kind, method):
    (X, threshold), link = points_of(kind), LINKAGES[method]
    first, *others = (
        link(X, threshold, memory_limit=limit, n_jobs=n_jobs)
        for limit in limits(link, X, threshold)
        for n_jobs in (1, 2)
    )
    assert 0 < len(first.merges) < len(X)
    for other in others:
        np.testing.assert_array_equal(other.merges, first.merges)
        np.testing.assert_array_equal(other.labels, first.labels)


@pytest.mark.parametrize("method", LINKAGES)
def test_given_dissimilarities_merge_as_measured_ones(method):
    X, threshold = points_of("grid")
    X = np.unique(X, axis=0)[np.random.default_rng(0).permutation(500)]  # equal samples would merge before others
    condensed = squared_distances(X)
    wanted = linkage(X, method, "sqeuclidean")
    np.testing.assert_array_equal(linkage(condensed, method), wanted)
    if method == "average":
        return
    square = squareform(condensed)
    wanted = complete_linkage(X, threshold).merges
    near = csr_array(np.where(square <= threshold, square, 0))
    for matrix in (square, square.astype(np.float32), near):
        np.testing.assert_array_equal(complete_linkage(matrix, threshold, metric="precomputed").merges, wanted)
