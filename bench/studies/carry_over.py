"""What carries over to classes that nobody trained on: ours, the paper's recipe, its losses, and other clusterings.

``python -m bench.studies.carry_over`` writes bench/studies/CARRY_OVER.md: means over five splits of four sets.
Chinese whispers are dlib's (``pip install dlib-bin``). ``--splits 1`` is a quick look, ``--methods "raw, FINCH" --sets
leaves100`` makes one cell anew.

Where a clustering has a number to choose (a threshold, the level of FINCH), it is the one with the best mean of NMI
and B-cubed F on the classes to train on and to validate with, all clustered at once. HDBSCAN has none.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.types import Labels, Points
from bcl_fast.cluster import average_linkage, complete_linkage, radius_graph
from bcl_fast.evaluation import b_cubed, normalized_mutual_information, scores_of_merges
from bcl_fast.models import raw_embeddings
from bcl_fast.paper.peers import finch, hdbscan
from bcl_fast.paper.variants import NAMES
from bcl_fast.results import cluster_tracks
from bcl_fast.tracks import Splits, TrackSet, concatenate
from bcl_fast.training import LOSSES, Recipe, train
from bench.studies.unseen_data import N_SPLITS, SETS, splits_of

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
THRESHOLDS = np.geomspace(0.01, 2, 60)

Method = Callable[[Splits], Labels]
Cells = dict[str, dict[str, str]]  # by method and set


def score(codes: Labels, labels: Labels) -> tuple[float, float]:
    return normalized_mutual_information(codes, labels), float(b_cubed(codes, labels).f_score)


def known(splits: Splits) -> tuple[Points, Labels]:
    """Points and codes of the classes whose labels may be looked at."""
    tracks = concatenate([splits.train, splits.val])
    return raw_embeddings(tracks), tracks.label_codes()[0]


def linked(merge: Callable[..., Any]) -> Method:
    """Raw features, clustered up to the threshold that is best for the known classes."""

    def cluster(splits: Splits) -> Labels:
        points, codes = known(splits)
        merges = merge(points).merges
        n_merges = int(np.mean(scores_of_merges(merges, codes), axis=0).argmax())
        heights = np.append(np.append(0, merges[:, 2]), 2 * merges[-1, 2])
        return merge(raw_embeddings(splits.test), float(heights[n_merges : n_merges + 2].mean())).labels

    return cluster


def best_of(choices: Any, cluster: Callable[[Points, Any], Labels]) -> Method:
    """Raw features, clustered with the choice that is best for the known classes."""

    def method(splits: Splits) -> Labels:
        points, codes = known(splits)
        best = max(choices, key=lambda choice: np.mean(score(codes, cluster(points, choice))))
        return cluster(raw_embeddings(splits.test), best)

    return method


def level_of_finch(points: Points, level: int) -> Labels:
    partitions = finch(points)
    return partitions[min(level, len(partitions) - 1)]


def chinese_whispers(points: Points, threshold: float) -> Labels:
    """dlib's: the graph of pairs within the threshold, every edge alike."""
    import dlib

    graph = radius_graph(points, threshold).tocoo()
    upper = graph.row < graph.col
    pairs = list(zip(graph.row[upper].tolist(), graph.col[upper].tolist(), strict=True))
    loops = [(row, row) for row in range(len(points))]
    return np.array(dlib.chinese_whispers(pairs + loops))


def trained(recipe: Recipe) -> Method:
    def cluster(splits: Splits) -> Labels:
        model = train(splits.train, splits.val, recipe=recipe).model
        embeddings = model.embed_tracks(splits.test)
        return cluster_tracks(splits.test, embeddings, model.distance_threshold, **model.clustering_options).cluster_ids

    return cluster


METHODS: dict[str, Method] = {
    "bcl-fast train": trained(Recipe()),
    "raw, average linkage": linked(average_linkage),
    "raw, complete linkage": linked(complete_linkage),
    "raw, Chinese whispers": best_of(THRESHOLDS, chinese_whispers),
    "raw, FINCH": best_of(range(5), level_of_finch),
    "raw, HDBSCAN": lambda splits: hdbscan(raw_embeddings(splits.test)),
    "bcl-fast train --recipe paper": trained(Recipe.paper()),
    "without averaging (--n-neighbors 0)": trained(Recipe(n_neighbors=0)),
    "complete linkage (--linkage complete)": trained(Recipe(linkage="complete")),
    "b learned for 1,500 steps, 3 b (--threshold radius --linkage average)": trained(
        Recipe(threshold="radius", linkage="average", steps=1500, radius_learning_rate_factor=1.0)
    ),
    "b learned for 1,500 steps, 4 b (--threshold radius)": trained(
        Recipe(threshold="radius", linkage="complete", steps=1500, radius_learning_rate_factor=1.0)
    ),
    **{
        f"bcl-fast train --loss {loss} ({NAMES[loss]})": trained(Recipe(loss=loss)) for loss in LOSSES if loss != "ball"
    },
}


def row_of(test: TrackSet, labels: Labels) -> tuple[float, float, float]:
    codes, names = test.label_codes()
    return (*score(codes, labels), len(np.unique(labels)) / len(names))


def cell_of(name: str, data: str, n_splits: int) -> str:
    rows = [row_of(splits.test, METHODS[name](splits)) for splits in splits_of(DATA, data, n_splits)]
    nmi, f_score, ratio = np.mean(rows, axis=0)
    return f"{nmi:.3f} / {f_score:.3f} ({ratio:.2f})"


def page(cells: Cells, n_splits: int) -> str:
    return "\n".join(
        [
            "# What carries over",
            "",
            f"`python -m bench.studies.carry_over`: means over {n_splits} splits by classes: half to train on, a tenth",
            "to validate with, the rest to cluster, their number unknown. Every sample is a track of its own.",
            "",
            "| NMI / B-cubed F (clusters per class) | " + " | ".join(SETS) + " |",
            "|---" * (len(SETS) + 1) + "|",
            *(
                f"| {name} | " + " | ".join(cells[name].get(data, "") for data in SETS) + " |"
                for name in METHODS
                if name in cells
            ),
            "",
        ]
    )


def cells_of(path: Path) -> Cells:
    """Cells of the table that was made before, by method and set."""
    rows = [row for row in path.read_text().splitlines() if row.startswith("| ")][1:] if path.exists() else []
    parts = [row.strip("| ").split(" | ") for row in rows]
    return {name: dict(zip(SETS, cells, strict=False)) for name, *cells in parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=N_SPLITS)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    options = parser.parse_args()
    path, cells = Path(__file__).with_name("CARRY_OVER.md"), Cells()
    for name, data in product(options.methods, options.sets):
        cell = cell_of(name, data, options.splits)
        print(name, data, cell, flush=True)
        if options.splits == N_SPLITS:  # the others stay; another process may have written some meanwhile
            cells = cells_of(path)
        cells.setdefault(name, {})[data] = cell
        if options.splits == N_SPLITS:
            path.write_text(page(cells, N_SPLITS))
    print(page(cells, options.splits))


if __name__ == "__main__":
    main()
