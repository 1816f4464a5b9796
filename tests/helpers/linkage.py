"""The linkages the slow, obvious way, what holds for any of their results, and points to try them on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist, squareform

from bcl_fast import _core
from bcl_fast.cluster import CompleteLinkage

NO_PAIRS = np.empty((0, 2), np.int32)


def identities(n: int, dim: int, seed: int = 0, noise: float = 0.6) -> NDArray[np.float32]:
    """Points on the unit sphere around one center for thirty of them."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(n // 30, dim))
    X = centers[rng.integers(len(centers), size=n)] + noise * rng.normal(size=(n, dim))
    return (X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32)


def squared_distances(X: ArrayLike) -> NDArray[np.float64]:
    """All squared distances, condensed."""
    return pdist(np.asarray(X, np.float64), "sqeuclidean")


def have_ties(distances: NDArray[np.float64]) -> bool:
    """Whether the core may merge in another order than SciPy."""
    return len(np.unique(distances)) < len(distances)


def by_first_appearance(labels: ArrayLike) -> NDArray[np.int64]:
    """Labels numbered 0, 1, ... in the order in which they first appear."""
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in np.asarray(labels).tolist()], np.int64)


def complete_linkage_reference(
    square: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Textbook loop on a full matrix; a missing pair is infinite. Returns labels and heights."""
    square = square.copy()
    np.fill_diagonal(square, np.inf)
    codes, heights = np.arange(len(square)), []
    while len(square) > 1 and square.min() <= threshold and np.isfinite(square.min()):
        i, j = np.unravel_index(square.argmin(), square.shape)
        heights.append(square[i, j])
        square[i] = square[:, i] = np.maximum(square[i], square[j])
        square[j] = square[:, j] = np.inf
        square[i, i] = np.inf
        codes[codes == j] = i
    return by_first_appearance(codes), np.array(heights)


def average_linkage_reference(
    square: NDArray[np.float64], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Textbook loop on a full matrix; an infinite distance forbids a merge. Returns labels and heights."""
    square = square.copy()
    np.fill_diagonal(square, np.inf)
    codes, sizes, heights = np.arange(len(square)), np.ones(len(square)), []
    while len(square) > 1 and square.min() <= threshold and np.isfinite(square.min()):
        i, j = np.unravel_index(square.argmin(), square.shape)
        heights.append(square[i, j])
        square[i] = square[:, i] = (sizes[i] * square[i] + sizes[j] * square[j]) / (sizes[i] + sizes[j])
        square[j] = square[:, j] = np.inf
        square[i, i] = np.inf
        sizes[i] += sizes[j]
        codes[codes == j] = i
    return by_first_appearance(codes), np.array(heights)


def linkage_in_order(
    square: NDArray[np.float64], threshold: float, linkage: str = "complete", groups: NDArray[Any] | None = None
) -> CompleteLinkage:
    """Textbook loop that takes, of the pairs of clusters at the smallest distance, the first by the order of ties.

    That is by ``first ^ other_first`` of the clusters' first samples. Samples of one group are merged before, one after
    the other. An infinite distance forbids a merge. Means are of whole numbers, so that equal ones are equal.
    """
    n = len(square)
    square, firsts, sizes = square.copy(), np.arange(n), np.ones(n)
    nodes: list[int] = list(range(n))
    merges: list[tuple[float, float, float, float]] = []

    def merge(a: int, b: int, height: float) -> None:
        """Leave the union in the place of a, its first sample."""
        square[a] = square[:, a] = np.maximum(square[a], square[b]) if linkage == "complete" else square[a] + square[b]
        square[b] = square[:, b] = np.inf
        sizes[a] += sizes[b]
        merges.append((*sorted((nodes[a], nodes[b])), height, sizes[a]))
        nodes[a], firsts[firsts == b] = n + len(merges) - 1, a

    for i, first in enumerate([] if groups is None else [int((groups == group).argmax()) for group in groups]):
        if first < i:
            merge(first, i, 0.0)
    above = np.triu_indices(n, 1)
    while len(square) > 1:
        distances = square[above] if linkage == "complete" else (square / np.outer(sizes, sizes))[above]
        height = distances.min(initial=np.inf)
        if not (height <= threshold and np.isfinite(height)):
            break
        ties = np.flatnonzero(distances == height)
        a, b = above[0][ties], above[1][ties]
        next_one = np.lexsort((a, a ^ b))[0]
        merge(int(a[next_one]), int(b[next_one]), float(height))
    return CompleteLinkage(by_first_appearance(firsts), np.array(merges).reshape(-1, 4), n - len(merges))


def members_of(merges: NDArray[np.float64], n: int) -> list[list[int]]:
    """The samples of each node of the dendrogram."""
    members = [[i] for i in range(n)]
    for left, right, _, size in merges:
        members.append(members[int(left)] + members[int(right)])
        assert len(members[-1]) == size
    return members


def assert_is_a_complete_linkage(result: CompleteLinkage, distances: NDArray[np.float64], threshold: float) -> None:
    """What holds for any way of breaking ties."""
    _assert_is_a_linkage(result, squareform(distances), threshold, np.max, rtol=0)


def assert_is_an_average_linkage(result: CompleteLinkage, distances: NDArray[np.float64], threshold: float) -> None:
    """What holds for any way of breaking ties, up to the rounding of means; every merge is of the closest pair."""
    square = squareform(distances)
    _assert_is_a_linkage(result, square, threshold, np.mean, rtol=1e-12)
    members = members_of(result.merges, len(square))
    clusters = [[i] for i in range(len(square))]
    for left, right, height, _ in result.merges:
        means = [square[np.ix_(one, other)].mean() for i, one in enumerate(clusters) for other in clusters[:i]]
        assert height <= min(means) * (1 + 1e-12)
        clusters = [c for c in clusters if c not in (members[int(left)], members[int(right)])]
        clusters.append(members[int(left)] + members[int(right)])


def _assert_is_a_linkage(
    result: CompleteLinkage, square: NDArray[np.float64], threshold: float, distance: Any, rtol: float
) -> None:
    n, merges = len(square), result.merges
    members = members_of(merges, n)
    children = merges[:, :2].astype(int)
    assert len(np.unique(children)) == children.size  # nothing is merged twice
    assert (children[:, 0] < children[:, 1]).all()
    assert (children[:, 1] < n + np.arange(len(merges))).all()
    assert (np.diff(merges[:, 2]) >= 0).all()
    assert (merges[:, 2] <= threshold).all()
    for (left, right), height in zip(children, merges[:, 2], strict=True):
        np.testing.assert_allclose(height, distance(square[np.ix_(members[left], members[right])]), rtol=rtol)
    clusters = [members[node] for node in sorted(set(range(n + len(merges))) - set(children.ravel().tolist()))]
    assert len(clusters) == result.n_clusters == n - len(merges)
    codes = np.empty(n, int)
    for code, cluster in enumerate(clusters):
        codes[cluster] = code
    np.testing.assert_array_equal(result.labels, by_first_appearance(codes))
    for i, cluster in enumerate(clusters):
        for other in clusters[:i]:
            assert distance(square[np.ix_(cluster, other)]) > threshold * (1 - rtol)


def climb(
    X: NDArray[Any],
    threshold: float,
    max_pairs: int,
    *,
    must_link_groups: NDArray[np.int32] | None = None,
    cannot_link: NDArray[np.int32] = NO_PAIRS,
    n_threads: int = 0,
    linkage: str = "complete",
    max_dense_pairs: int = 0,
) -> CompleteLinkage:
    """The core's linkage of points, with so many pairs in a rung, or all of them at once where that is faster."""
    merge = _core.complete_linkage if linkage == "complete" else _core.average_linkage
    execution = _core.Execution(n_threads)
    merges, labels = merge(
        X, threshold, max_pairs, must_link_groups, cannot_link, execution, max_dense_pairs=max_dense_pairs
    )
    return CompleteLinkage(labels, merges, len(X) - len(merges))
