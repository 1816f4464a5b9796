"""What every cut of a dendrogram would score, merge by merge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.types import Integers


class Meeting(NamedTuple):
    """What a merge brings together.

    Attributes
    ----------
    clusters : tuple of int
        The two clusters, as the merges number them.
    sizes : tuple of float
        Their samples: how many, or what they count together.
    shared : list of (int, float, float)
        Of each identity that both hold: its code, and how many samples of it each has, or what these count.
    """

    clusters: tuple[int, int]
    sizes: tuple[float, float]
    shared: list[tuple[int, float, float]]


class MergeScores(NamedTuple):
    """Scores after no merge, after one, and so on: each of shape (n_merges + 1,), float64."""

    nmi: NDArray[np.float64]
    b_cubed_f: NDArray[np.float64]


def meetings(merges: ArrayLike, codes: Integers, weights: ArrayLike | None = None) -> Iterator[Meeting]:
    """Go through merges, and say which identities each brings together.

    The identities of the cluster with fewer are added to those of the other: O(n log n) in all.

    Parameters
    ----------
    merges : array-like of shape (n_merges, 4)
        As `bcl_fast.complete_linkage` returns them.
    codes : ndarray of shape (n_samples,), int64
        Identities.
    weights : array-like of shape (n_samples,), optional
        What each sample counts, instead of 1.
    """
    sizes: list[float] = [1] * len(codes) if weights is None else np.asarray(weights).tolist()
    members = [{code: size} for code, size in zip(codes.tolist(), sizes, strict=True)]
    for left, right in np.asarray(merges)[:, :2].astype(np.int64).tolist():
        small, large = sorted((members[left], members[right]), key=len)
        shared = [(code, number, large[code]) for code, number in small.items() if code in large]
        yield Meeting((left, right), (sizes[left], sizes[right]), shared)
        for code, number in small.items():
            large[code] = large.get(code, 0) + number
        members.append(large)
        sizes.append(sizes[left] + sizes[right])


def scores_of_merges(merges: ArrayLike, codes: Integers, weights: ArrayLike | None = None) -> MergeScores:
    """Score every cut of a dendrogram against identities.

    Parameters
    ----------
    merges : array-like of shape (n_merges, 4)
        As `bcl_fast.complete_linkage` returns them.
    codes : ndarray of shape (n_samples,), int64
        Identities numbered from 0.
    weights : array-like of shape (n_samples,), optional
        What each sample counts: as if it were so many samples that are never apart. By default each counts 1.

    Returns
    -------
    scores : MergeScores
        Of the clusters after each number of merges, as `normalized_mutual_information` and `b_cubed` give them.
    """
    counts = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
    whole, of_identity = float(counts.sum()), np.bincount(codes, counts).tolist()
    squares = np.square(counts).tolist()  # of each cluster the squared sizes of its cells, summed
    alone = sum(map(_x_log_x, counts.tolist()))
    recall = sum(square / of_identity[code] for square, code in zip(squares, codes.tolist(), strict=True))
    sums = [(alone, alone, whole, recall)]
    for meeting in meetings(merges, codes, counts):
        cells, clusters, precision, recall = sums[-1]
        left, right = (squares[cluster] for cluster in meeting.clusters)
        a, b = meeting.sizes
        squares.append(left + right + 2 * sum(u * v for _, u, v in meeting.shared))
        cells += sum(_x_log_x(u + v) - _x_log_x(u) - _x_log_x(v) for _, u, v in meeting.shared)
        clusters += _x_log_x(a + b) - _x_log_x(a) - _x_log_x(b)
        precision += squares[-1] / (a + b) - left / a - right / b
        recall += sum(2 * u * v / of_identity[code] for code, u, v in meeting.shared)
        sums.append((cells, clusters, precision, recall))
    cells, clusters, precision, recall = np.array(sums).T
    identities, everything = sum(map(_x_log_x, of_identity)), _x_log_x(whole)
    information, entropies = everything + cells - clusters - identities, 2 * everything - clusters - identities
    nmi = np.divide(2 * information, entropies, out=np.ones(len(sums)), where=entropies > 1e-9)
    precision, recall = precision / whole, recall / whole
    return MergeScores(np.clip(nmi, 0, 1), 2 * precision * recall / (precision + recall))


def _x_log_x(x: float) -> float:
    return x * math.log(x) if x > 0 else 0.0
