"""The command ``evaluate``."""

from __future__ import annotations

from typing import Annotated

import typer

from bcl_fast.cli._inputs import embed, pairs_of
from bcl_fast.cli._options import (
    Constraints,
    DuplicateIoU,
    MinOverlap,
    SavedModel,
    ThresholdScale,
    Tracks,
)
from bcl_fast.tracks import DUPLICATE_IOU


def evaluate(
    tracks: Tracks,
    model: SavedModel,
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
    cluster without the constraints: 0 is best, and it takes no labels to count them.
    """
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    from bcl_fast.evaluation import evaluate as score
    from bcl_fast.models import raw_embeddings
    from bcl_fast.tracks import read_tracks

    people = read_tracks(tracks)
    people.label_codes()
    embeddings, threshold, _ = embed(people, model, None, threshold_scale)
    pairs = pairs_of(people, constraints, min_overlap, duplicate_iou)
    rows = score(people, embeddings, distance_threshold=threshold, pairs=pairs)
    raw_rows = score(people, raw_embeddings(people), n_clusters="true") if raw else None
    from bcl_fast.cli._tables import print_scores

    print_scores(rows, raw_rows, form="json" if as_json else "csv" if as_csv else "table")
