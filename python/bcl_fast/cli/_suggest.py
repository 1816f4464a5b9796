"""The command ``suggest``: which clusters may be one person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bcl_fast.cli._console import say
from bcl_fast.cli._inputs import pairs_of
from bcl_fast.cli._options import Constraints, DuplicateIoU, MinOverlap
from bcl_fast.errors import InputError
from bcl_fast.tracks import DUPLICATE_IOU

if TYPE_CHECKING:
    from bcl_fast.results import ClusteringResult, Suggestion
    from bcl_fast.tracks import TrackSet


def suggest(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="What bcl-fast cluster wrote.", show_default=False)],
    tracks: Annotated[
        list[Path] | None,
        typer.Option(
            "--tracks",
            metavar="TRACKS",
            help="The tracks of the result, repeated for several files: their frames tell who is on screen together, "
            "and a .csv result needs them for its points.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", "-m", help="With a .csv result: the model that embedded its tracks.", show_default=False
        ),
    ] = None,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    limit: Annotated[int, typer.Option(min=1, help="Most pairs to print.")] = 20,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print them.")] = "table",
) -> None:
    """Ask whether two clusters are one person, the likeliest pairs first.

    Pairs are ranked by the mean squared distance between their tracks. Clusters with tracks that are on screen together
    (see --tracks, --constraints), or that both have a name, are known to be two people and left out. For each pair the
    two tracks are named that are nearest to each other: look at these.
    """
    from bcl_fast.results import read_result, suggest_merges

    found = read_result(result)
    people = None
    if tracks is not None:
        from bcl_fast.tracks import read_tracks

        people = read_tracks(tracks)
    cannot_link, embeddings = None, None
    if people is not None:
        cannot_link = _pairs_of_rows(found, people, constraints, min_overlap, duplicate_iou)
        embeddings = None if found.embeddings is not None else _embeddings(found, people, model)
    elif found.embeddings is None:
        raise InputError("the result has no embeddings: give its --tracks, or a result that was written as .parquet")
    elif constraints not in (None, ["none"]):
        raise typer.BadParameter("--constraints wants the --tracks that they are about")
    rows = suggest_merges(found, embeddings=embeddings, cannot_link=cannot_link, limit=limit)
    _print(found, rows, form)


def _pairs_of_rows(
    result: ClusteringResult,
    tracks: TrackSet,
    constraints: list[str] | None,
    min_overlap: int,
    duplicate_iou: float,
) -> Any:
    """Cannot-link pairs of tracks as rows of the result."""
    from bcl_fast.results._places import places_in

    pairs = pairs_of(tracks, constraints, min_overlap, duplicate_iou)
    if pairs is None:
        return None
    rows = places_in(result, tracks)[pairs.cannot_link]
    return rows[(rows >= 0).all(axis=1)]


def _embeddings(result: ClusteringResult, tracks: TrackSet, model: Path | None) -> Any:
    """Points of the rows of a result that holds none."""
    import numpy as np

    from bcl_fast.models import load_model, raw_embeddings
    from bcl_fast.results._representatives import tracks_of_rows

    points = raw_embeddings(tracks) if model is None else load_model(model).embed_tracks(tracks)
    rows = tracks_of_rows(result, tracks)
    missing = np.flatnonzero(rows < 0)
    if len(missing):
        name, video = result.track_ids[missing[0]], result.video_ids[missing[0]]
        raise InputError(f"--tracks must hold all tracks of the result, got none named {name} in the video {video}")
    return points[rows]


def _print(result: ClusteringResult, suggestions: list[Suggestion], form: str) -> None:
    from bcl_fast.cli._tables import print_records

    if not suggestions and form == "table":
        say("no two clusters may be one person")
        return
    print_records([_record(result, suggestion) for suggestion in suggestions], form=form)


def _record(result: ClusteringResult, suggestion: Suggestion) -> dict[str, Any]:
    record: dict[str, Any] = {"distance": round(suggestion.distance, 6)}
    sides = ("a", suggestion.cluster_a, suggestion.row_a), ("b", suggestion.cluster_b, suggestion.row_b)
    for side, cluster, row in sides:
        record[f"cluster_{side}"] = cluster
        record[f"name_{side}"] = "" if result.names is None else str(result.names[row])
        record[f"tracks_{side}"] = int(result.cluster_sizes[row])
        record[f"track_{side}"] = str(result.track_ids[row])
        record[f"video_{side}"] = str(result.video_ids[row])
    return record
