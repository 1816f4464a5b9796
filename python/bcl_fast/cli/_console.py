"""What the command line shows: sentences and progress on standard error, tables on standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.text import counted
from bcl_fast.cli._streams import silence

if TYPE_CHECKING:
    from bcl_fast.models import EmbeddingModel
    from bcl_fast.tracks import TrackSet
    from bcl_fast.training import EpochRecord


def say(sentence: str) -> None:
    """Print a sentence on standard error, as one line; where nobody can read it, the work goes on."""
    try:
        typer.echo(as_printable(sentence), err=True)
    except OSError:
        silence(sys.stderr)


def describe_tracks(tracks: TrackSet) -> str:
    """How much there is of everything, in one line."""
    sizes = ((tracks.n_tracks, "track"), (tracks.n_faces, "face"), (len(tracks.videos), "video"))
    people = [] if tracks.labels is None else [f"{len(tracks.label_codes()[1]):,} people"]
    n_bare = tracks.n_tracks - int(tracks.is_labelled.sum())
    people += [f"{counted(n_bare, 'track')} without a label"] if 0 < n_bare < tracks.n_tracks else []
    return ", ".join([*(counted(number, what) for number, what in sizes), *people])


def describe_epoch(record: EpochRecord) -> str:
    """Loss, radius, share of violated constraints and validation scores of an epoch, as far as it has them."""
    text = f"loss {record.loss:.4f}"
    if record.squared_radius is not None:
        text += f"  b {record.squared_radius:.4f}"
    if record.violated_similar is not None:
        text += f"  violated {record.violated_similar:.1%} own, {record.violated_dissimilar:.1%} other"
    if record.val_nmi is None:
        return text
    found = f"{counted(record.val_n_clusters or 0, 'cluster')} of {record.val_n_identities} people"
    scores = f"val NMI {record.val_nmi:.4f}  WCP {record.val_wcp:.4f}  {found}"
    return f"{text}  {scores}{'  best' if record.best else ''}"


def describe_threshold(model: EmbeddingModel) -> str:
    """Where the clusters of a model are cut."""
    if model.stored_threshold is None:
        from bcl_fast.cluster import radius_threshold

        factor = radius_threshold(1, model.linkage)
        return f"b = {model.squared_radius:.4f}, clusters are cut at {factor} b = {model.distance_threshold:.4f}"
    found = "by people in folds" if model.compared else "on the validation tracks"
    return f"clusters of {model.linkage} linkage are cut at {model.distance_threshold:.4f}, found {found}"
