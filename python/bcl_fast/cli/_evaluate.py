"""The command ``evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._inputs import embed, pairs_of
from bcl_fast.cli._options import (
    Constraints,
    DuplicateIoU,
    MinOverlap,
    ThresholdScale,
    Tracks,
)
from bcl_fast.tracks import DUPLICATE_IOU

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet


def evaluate(
    tracks: Tracks,
    model: Annotated[
        Path | None,
        typer.Option("--model", "-m", help="A trained model: .safetensors or .pth.tar.", show_default=False),
    ] = None,
    clusters: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead of a model: clusters of another tool (.csv, .parquet, .json, .txt, .npy), a track and its "
            "cluster per line, or the clusters in the order of the tracks; -1 is none. A result of cluster, too.",
            show_default=False,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Score the raw features beside it, told the true number of people."),
    ] = False,
    threshold_scale: ThresholdScale = None,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Compare clusters with labels, per video and over all videos.

    NMI is the normalised mutual information, WCP the weighted clustering purity (the share of tracks that are of their
    cluster's main person). 1 is best for both. Violated are pairs of tracks on screen together that would share a
    cluster without the constraints: 0 is best, and it takes no labels to count them. Tracks without a label are not
    scored; a track in no cluster counts as one of its own.
    """
    if (model is None) == (clusters is None):
        raise typer.BadParameter("give either --model or --clusters")
    if clusters is not None and threshold_scale is not None:
        raise typer.BadParameter("--threshold-scale scales the threshold of a --model")
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    from bcl_fast.evaluation import evaluate as score
    from bcl_fast.evaluation import evaluate_labels
    from bcl_fast.models import raw_embeddings
    from bcl_fast.tracks import read_tracks

    people = read_tracks(tracks)
    people.label_codes()
    pairs = pairs_of(people, constraints, min_overlap, duplicate_iou)
    if clusters is not None:
        rows = evaluate_labels(people, _clusters_of(people, clusters), pairs=pairs)
    else:
        given = embed(people, model, None, threshold_scale)
        rows = score(
            people, given.embeddings, distance_threshold=given.distance_threshold, pairs=pairs, **given.options
        )
    raw_rows = score(people, raw_embeddings(people), n_clusters="true") if raw else None
    from bcl_fast.cli._tables import print_scores

    form = "json" if as_json else "csv" if as_csv else "table"
    print_scores(rows, raw_rows, form=form, method="bcl" if clusters is None else clusters.name)


def _clusters_of(tracks: TrackSet, file: Path) -> Any:
    from bcl_fast.evaluation import read_labels

    clusters = read_labels(file, tracks)
    n_alone = int((clusters == "").sum())
    if n_alone:
        say(f"{counted(n_alone, 'track')} of {tracks.n_tracks:,} without a cluster in {file}: each counts as its own")
    return clusters
