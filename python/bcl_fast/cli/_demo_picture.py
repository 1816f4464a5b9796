"""Pictures of clusterings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.colours import GREY, colour_of_person
from bcl_fast._utils.escape import as_picture_text
from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.types import Labels, Points
from bcl_fast.cluster import CompleteLinkage, threshold_for_count
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.evaluation import normalized_mutual_information, scores_of_merges
from bcl_fast.models import EmbeddingModel
from bcl_fast.results._constrained import NO_PAIRS, settled
from bcl_fast.tracks import TrackSet

BLUE, RED = "#1b6ca8", "#c0504d"


class View(NamedTuple):
    """One row of the picture: the tracks of a video as points of a space, and one clustering of them."""

    space: str
    points: Points
    threshold: float  # squared distance at which they are cut
    cut: str  # the same in words
    linkage: LinkageName = "complete"

    @property
    def clusters(self) -> Labels:
        """Clusters found, in 0..n_clusters - 1."""
        return self.link(self.threshold).labels

    def link(self, distance_threshold: float | None = None) -> CompleteLinkage:
        """Cluster the points, up to a threshold or to the end."""
        return LINKAGES[self.linkage](self.points, distance_threshold)


def draw_demo(tracks: TrackSet, raw: Points, embeddings: Points, model: EmbeddingModel, path: Path) -> None:
    """Draw one video before and after training as a PNG: its tracks, their distances, and what each threshold gives.

    Parameters
    ----------
    tracks : TrackSet
        Labelled; the video with most people is drawn.
    raw, embeddings : ndarray of shape (n_tracks, n_dimensions)
        Rows of unit norm: features as they are, and embeddings of the trained head.
    model : EmbeddingModel
        That of the embeddings, which tells how they are clustered.
    path : Path
        A picture; replaced if it exists.
    """
    from matplotlib.figure import Figure

    codes, _ = tracks.label_codes()
    video, members = max(tracks.tracks_of_videos().items(), key=lambda item: len(np.unique(codes[item[1]])))
    people = _rank_by_size(codes[members])
    n_people = int(people.max()) + 1
    before, after = raw[members], settled(embeddings[members], model.neighbor_threshold, NO_PAIRS)
    threshold = model.distance_threshold
    views = (
        View("raw features", before, threshold_for_count(before, n_people), "told the number of people"),
        View("BCL embeddings", after, threshold, f"cut at {threshold:.2f}", model.linkage),
    )
    figure = Figure(figsize=(15, 9.4), layout="constrained")
    figure.suptitle(
        f"{as_picture_text(video)}: {len(members)} tracks of {n_people} people, none of them seen in training",
        fontsize=15,
    )
    for view, (left, middle, right) in zip(views, figure.subplots(2, 3), strict=True):
        draw_people(left, view, people)
        draw_distances(middle, view, people)
        draw_thresholds(right, view, people)
    with atomic_output(path, force=True) as temporary:
        figure.savefig(temporary, dpi=100)


def _rank_by_size(codes: Labels) -> Labels:
    """Renumber people from the one seen most to the one seen least."""
    codes = np.unique(codes, return_inverse=True)[1]
    order = np.argsort(-np.bincount(codes), kind="stable")
    return np.argsort(order)[codes]


def draw_people(axes: Any, view: View, people: Labels) -> None:
    """Draw tracks in the plane: dots in the colour of their person, joined to the middle of their cluster."""
    from matplotlib.collections import LineCollection

    plane, clusters = _project(view.points), view.clusters
    n_clusters = int(clusters.max()) + 1
    middles = np.array([np.median(plane[clusters == cluster], axis=0) for cluster in range(n_clusters)])
    spokes = list(np.stack([plane, middles[clusters]], axis=1))
    axes.add_collection(LineCollection(spokes, colors=GREY, linewidths=0.6, zorder=1))
    for person in range(int(people.max()), -1, -1):
        colour = colour_of_person(person)
        axes.scatter(*plane[people == person].T, s=26, color=colour, edgecolors="white", linewidths=0.4, zorder=2)
    score = normalized_mutual_information(people, clusters)
    axes.set_title(f"{n_clusters} clusters, {view.cut}: NMI {score:.2f}")
    axes.set(xticks=[], yticks=[], xlabel="a dot is a track (t-SNE); colour: person; spokes: cluster found")
    axes.set_ylabel(view.space, fontsize=15)


def _project(points: Points) -> Points:
    """Lay points out in the plane so that neighbours stay neighbours: (n_samples, 2)."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    layout = TSNE(perplexity=min(20.0, (len(points) - 1) / 3), init="pca", max_iter=500, random_state=0)
    with threadpool_limits(1):  # a few hundred points: more threads would only wait for each other
        return np.asarray(layout.fit_transform(points))


def draw_distances(axes: Any, view: View, people: Labels) -> None:
    """Draw all squared distances, tracks sorted by person: dark squares on the diagonal are people."""
    order = np.argsort(people, kind="stable")
    points = np.asarray(view.points, dtype=np.float64)[order]
    squared = np.maximum(2 - 2 * points @ points.T, 0)
    lightest = np.quantile(squared, 0.98)
    image = axes.imshow(squared, vmin=0, vmax=lightest, cmap="magma", interpolation="nearest")
    axes.set(xticks=[], yticks=[], title="squared distances of all pairs", xlabel="tracks, sorted by person")
    axes.figure.colorbar(image, ax=axes, shrink=0.8, extend="max")


def draw_thresholds(axes: Any, view: View, people: Labels) -> None:
    """Draw the number of clusters and their NMI for every threshold, and mark the clustering of the view."""
    n_tracks, n_people = len(people), int(people.max()) + 1
    merges = view.link().merges
    starts = np.append(0, np.maximum.accumulate(merges[:, 2]))  # n_tracks - i clusters from starts[i] on
    axes.step(starts, n_tracks - np.arange(n_tracks), where="post", color=BLUE)
    axes.axhline(n_people, color=BLUE, linewidth=0.8, linestyle="--")
    axes.annotate(f"{n_people} people ", (1.05 * starts[-1], n_people), ha="right", va="bottom", color=BLUE)
    axes.set(yscale="log", xlim=(0, 1.05 * starts[-1]), xlabel="squared distance at which merging stops")
    axes.set_ylabel("number of clusters", color=BLUE)
    scores = axes.twinx()
    scores.step(starts, scores_of_merges(merges, people).nmi, where="post", color=RED)
    scores.axvline(view.threshold, color="black", linewidth=1)
    scores.set(ylim=(0, 1), title=f"every threshold (line: {view.cut})")
    scores.set_ylabel("NMI", color=RED)
