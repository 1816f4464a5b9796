"""What several commands read: points to cluster, and pairs that are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bcl_fast.cli._console import say
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    from bcl_fast.cluster._merge import LinkageName
    from bcl_fast.tracks import Edits, TrackPairs, TrackSet


class ToCluster(NamedTuple):
    """Points to cluster, how, and what made the points: a model, or the features scaled to unit norm."""

    embeddings: Any
    distance_threshold: float
    options: dict[str, Any]  # beside the threshold, as `EmbeddingModel.clustering_options`
    embedded_by: str


def embed(
    tracks: TrackSet,
    model: Path | None,
    threshold: float | None,
    threshold_scale: float | None,
    linkage: LinkageName | None = None,
) -> ToCluster:
    """Embed tracks, and say how to cluster them: as the model was made to, or up to a threshold."""
    if model is None:
        from bcl_fast.models import raw_embeddings

        assert threshold is not None
        made_by = "features" if tracks.recognizer is None else f"features of {tracks.recognizer}"
        return ToCluster(raw_embeddings(tracks), threshold, {"linkage": linkage or "complete"}, made_by)
    from bcl_fast.models import load_model

    loaded = load_model(model)
    if threshold_scale is not None:
        if not threshold_scale >= 0:
            raise InputError(f"the threshold scale must be 0 or more, got {threshold_scale}")
        loaded = replace(loaded, threshold_scale=threshold_scale)
    if linkage not in (None, loaded.linkage):
        raise InputError(f"the model's threshold is for {loaded.linkage} linkage, got --linkage {linkage}")
    return ToCluster(
        loaded.embed_tracks(tracks),
        loaded.distance_threshold,
        loaded.clustering_options,
        loaded.fingerprint(),
    )


def files_of_pairs(constraints: list[str] | None) -> list[Path]:
    """Return the files among the values of ``--constraints``."""
    return [Path(source) for source in constraints or () if source not in ("auto", "none")]


def edits_of(constraints: list[str] | None) -> Edits | None:
    """Return the decisions by hand among the values of ``--constraints``, put together; None if there are none."""
    from bcl_fast.tracks import combine_edits, read_edits
    from bcl_fast.tracks._pair_files import is_edits

    files = [file for file in files_of_pairs(constraints) if is_edits(file)]
    return combine_edits((str(file), read_edits(file)) for file in files) if files else None


def pairs_of(
    tracks: TrackSet, constraints: list[str] | None, min_overlap: int, duplicate_iou: float
) -> TrackPairs | None:
    """Return what is known about pairs of tracks; None if that is not to be used, or nothing, which a sentence says."""
    sources = constraints or ["auto"]
    if sources == ["none"]:
        return None
    from bcl_fast.tracks import collect_pairs

    if "auto" in sources and tracks.frames is None:
        say("no frames in the tracks: it is not known which of them are on screen together (--constraints)")
        if sources == ["auto"]:
            return None
    return collect_pairs(tracks, sources, min_overlap=min_overlap, duplicate_iou=duplicate_iou)
