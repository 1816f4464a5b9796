"""What stands on top of a page: how many of everything, scores where there are labels, and three plots."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast.evaluation import b_cubed, normalized_mutual_information, weighted_clustering_purity
from bcl_fast.report._dendrogram import Dendrogram
from bcl_fast.results import ClusteringResult, count_violated, tracks_of_rows
from bcl_fast.tracks import TrackSet

WIDTH, HEIGHT = 320, 150  # of a plot, in its own units
_LARGEST, _POINTS = 10, 200


class Plot(NamedTuple):
    """A plot: a path, a mark at the threshold (in the plot's units, None: outside), and the texts around it."""

    title: str
    path: str
    mark: float | None
    left: str
    right: str
    top: str
    summary: str


class Confusion(NamedTuple):
    """Tracks of the largest clusters by identity: the names of identities, and for each cluster its tracks of each."""

    identities: list[str]
    rows: list[tuple[str, list[int], int]]  # cluster, tracks of each identity, tracks of others


class Summary(NamedTuple):
    """Numbers as pairs of a text and a value; plots; the confusion where there are labels."""

    numbers: list[tuple[str, str]]
    plots: list[Plot]
    confusion: Confusion | None


def summary_of(
    result: ClusteringResult, tracks: TrackSet | None, dendrogram: Dendrogram, cannot_link: NDArray[np.int64] | None
) -> Summary:
    """Summarise a result.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet or None
        For labels.
    dendrogram : Dendrogram
    cannot_link : ndarray of shape (n_pairs, 2), int64, or None
        Rows of the result that are known to be two people.
    """
    numbers = [("tracks", f"{result.n_tracks:,}"), ("people", f"{result.n_clusters:,}")]
    numbers.append(("videos", f"{len(set(result.video_ids.tolist())):,}"))
    if dendrogram.threshold:
        numbers.append(("threshold", f"{dendrogram.threshold:.4g}"))
    if cannot_link is not None:
        violated = count_violated(result.cluster_ids, cannot_link)
        numbers.append(("pairs of two people in one cluster", f"{violated:,} of {len(cannot_link):,}"))
    labels = _labels(result, tracks)
    known = labels != ""
    if known.any():
        numbers += _scores(labels[known], result.cluster_ids[known])
    return Summary(numbers, _plots(result, dendrogram), _confusion(result, labels) if known.any() else None)


def _labels(result: ClusteringResult, tracks: TrackSet | None) -> NDArray[np.object_]:
    labels = np.full(result.n_tracks, "", dtype=object)
    if tracks is not None and tracks.labels is not None:
        at = tracks_of_rows(result, tracks)
        labels[at >= 0] = tracks.labels[at[at >= 0]]
    return labels


def _scores(labels: NDArray[np.object_], clusters: NDArray[np.int64]) -> list[tuple[str, str]]:
    names, codes = np.unique(labels, return_inverse=True)
    alone = clusters < 0
    clusters = clusters.copy()
    clusters[alone] = clusters.max(initial=-1) + 1 + np.arange(alone.sum())
    scores = b_cubed(codes, clusters)
    return [
        ("identities", f"{len(names):,}"),
        ("NMI", f"{normalized_mutual_information(codes, clusters):.3f}"),
        ("WCP", f"{weighted_clustering_purity(codes, clusters):.3f}"),
        ("B-cubed F", f"{scores.f_score:.3f}"),
    ]


def _confusion(result: ClusteringResult, labels: NDArray[np.object_]) -> Confusion:
    clusters, sizes = np.unique(result.cluster_ids[result.cluster_ids >= 0], return_counts=True)
    largest = clusters[np.argsort(-sizes, kind="stable")][:_LARGEST]
    inside = np.isin(result.cluster_ids, largest) & (labels != "")
    names, counts = np.unique(labels[inside], return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:_LARGEST]
    rows = []
    for cluster in largest.tolist():
        members = result.cluster_ids == cluster
        name = "" if result.names is None else str(result.names[members][0])
        found = [int((labels[members] == identity).sum()) for identity in shown]
        rows.append((name or f"cluster {cluster}", found, int((labels[members] != "").sum()) - sum(found)))
    return Confusion([str(name) for name in shown], rows)


def _plots(result: ClusteringResult, dendrogram: Dendrogram) -> list[Plot]:
    sizes = np.sort(np.unique(result.cluster_ids[result.cluster_ids >= 0], return_counts=True)[1])[::-1]
    plots = [_sizes_plot(sizes)] if len(sizes) else []
    heights = np.concatenate([dendrogram.within.heights, dendrogram.between.heights])
    if len(heights) and heights[-1] > 0:
        plots += [_heights_plot(heights, dendrogram.threshold), _counts_plot(heights, sizes, dendrogram)]
    return plots


def _sizes_plot(sizes: NDArray[np.int64]) -> Plot:
    """Draw tracks per cluster, the largest first, on a logarithmic scale."""
    places = np.unique(np.linspace(0, len(sizes) - 1, _POINTS).astype(int))
    x = (places + 0.5) / len(sizes)
    y = np.log1p(sizes[places]) / np.log1p(sizes[0])
    summary = f"The largest of {len(sizes):,} clusters has {sizes[0]:,} tracks, the one in the middle "
    summary += f"{sizes[len(sizes) // 2]:,}; {int((sizes == 1).sum()):,} have one."
    return Plot(
        "Tracks per cluster", _steps(x, y), None, "largest", f"{len(sizes):,} clusters", f"up to {sizes[0]:,}", summary
    )


def _heights_plot(heights: NDArray[np.float64], threshold: float) -> Plot:
    """Draw how many merges there are at which height."""
    counts, edges = np.histogram(heights, bins=60, range=(0, heights[-1]))
    y = np.sqrt(counts / max(1, counts.max()))
    n_above = int((heights > threshold).sum())
    summary = f"{len(heights) - n_above:,} merges up to the threshold, {n_above:,} above it up to {heights[-1]:.3g}."
    mark = threshold / heights[-1]
    return Plot(
        "Merge heights",
        _steps(edges[1:] / heights[-1], y),
        mark if mark <= 1 else None,
        "0",
        f"{heights[-1]:.3g}",
        f"up to {counts.max():,}",
        summary,
    )


def _counts_plot(heights: NDArray[np.float64], sizes: NDArray[np.int64], dendrogram: Dendrogram) -> Plot:
    """Draw how many clusters a threshold leaves."""
    n_tracks, ordered = int(sizes.sum()), np.sort(heights)
    thresholds = np.linspace(0, ordered[-1], _POINTS)
    counts = n_tracks - np.searchsorted(ordered, thresholds, side="right")
    y = np.log1p(counts) / np.log1p(n_tracks)
    mark = dendrogram.threshold / ordered[-1]
    summary = f"{len(sizes):,} clusters at the threshold, {counts[-1]:,} at {ordered[-1]:.3g}."
    return Plot(
        "Clusters against the threshold",
        _steps(thresholds / ordered[-1], y),
        mark if mark <= 1 else None,
        "0",
        f"{ordered[-1]:.3g}",
        f"up to {n_tracks:,}",
        summary,
    )


def _steps(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Return a path of steps in the plot's units: x and y are shares of its width and height."""
    across, up = np.round(x * WIDTH, 1), np.round((1 - y) * HEIGHT, 1)
    steps = "".join(f"V{high:g}H{end:g}" for end, high in zip(across.tolist(), up.tolist(), strict=True))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}Z"
