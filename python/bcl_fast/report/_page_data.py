"""What a page knows of a result and its tracks: plain values and arrays, as JSON that no name can break out of."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.codes import categories
from bcl_fast._utils.types import Integers
from bcl_fast.cluster import radius_threshold
from bcl_fast.report._dendrogram import Dendrogram
from bcl_fast.results import ClusteringResult, tracks_of_rows
from bcl_fast.tracks import TrackSet

_ACTING = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def page_data(
    result: ClusteringResult, tracks: TrackSet | None, dendrogram: Dendrogram, *, frames_per_second: float | None
) -> dict[str, Any]:
    """Return what the page is made from; all but its pictures and edits.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet or None
        For times, labels and the number of faces; tracks that the result lacks are not shown.
    dendrogram : Dendrogram
        Of the result.
    frames_per_second : float or None
        To show times in seconds; None: in frames.
    """
    videos = categories(result.video_ids)
    linkage = result.linkage or "complete"
    spans, counts = _spans(result, tracks)
    return {
        "checksum": result_checksum(result),
        "videos": videos.names.tolist(),
        "trackIds": result.track_ids.tolist(),
        "video": _packed(videos.codes, np.int32),
        "cluster": _packed(result.cluster_ids, np.float64),
        "distance": _packed(result.distances_to_centroid, np.float32),
        "hue": _packed(_hues(result), np.uint8),
        "first": None if spans is None else _packed(spans[:, 0], np.float64),
        "last": None if spans is None else _packed(spans[:, 1], np.float64),
        "faces": _packed(counts, np.int32),
        "noFace": _packed(_no_faces(result), np.uint8),
        "names": _names(result),
        "linkage": linkage,
        "threshold": dendrogram.threshold,
        "radius": float(np.sqrt(dendrogram.threshold / radius_threshold(1.0, linkage))),
        "within": _merges(dendrogram.within),
        "between": _merges(dendrogram.between),
        "framesPerSecond": frames_per_second,
    }


def result_checksum(result: ClusteringResult) -> str:
    """Return by what a page knows that a history of edits is about its clusters."""
    return checksum([result.track_ids, result.video_ids, result.cluster_ids])[:16]


def as_script_data(value: Any) -> str:
    """Return JSON that may stand between the tags of a script: nothing in it ends one, or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(_ACTING.get(character, character) for character in text) if _acts(text) else text


def _acts(text: str) -> bool:
    return any(character in text for character in _ACTING)


def _packed(values: Any, dtype: Any) -> str:
    """Return numbers as base64 of their bytes, the least significant first."""
    array = np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<"))
    return base64.b64encode(array.tobytes()).decode()


def _merges(merges: Any) -> dict[str, str]:
    return {
        "one": _packed(merges.rows[:, 0], np.int32),
        "other": _packed(merges.rows[:, 1], np.int32),
        "height": _packed(merges.heights, np.float64),
    }


def _no_faces(result: ClusteringResult) -> NDArray[np.bool_]:
    return np.zeros(result.n_tracks, bool) if result.not_a_face is None else result.not_a_face


def _names(result: ClusteringResult) -> list[list[Any]]:
    """Return the clusters that have names, as pairs of a row and a name."""
    if result.names is None:
        return []
    _, rows = np.unique(result.cluster_ids, return_index=True)
    return [
        [row, str(result.names[row])] for row in rows.tolist() if result.names[row] and result.cluster_ids[row] >= 0
    ]


def _spans(result: ClusteringResult, tracks: TrackSet | None) -> tuple[Integers | None, Integers]:
    """Return the first and the last frame of each row, and its number of faces; -1 where a track is not given."""
    counts = np.zeros(result.n_tracks, np.int64)
    if tracks is None:
        return None, counts
    at = tracks_of_rows(result, tracks)
    known = at >= 0
    counts[known] = np.diff(tracks.offsets)[at[known]]
    frames = tracks.frame_spans()
    if frames is None:
        return None, counts
    spans = np.full((result.n_tracks, 2), -1)
    spans[known] = frames[at[known]]
    return spans, counts


def _hues(result: ClusteringResult) -> NDArray[np.float64]:
    """Return a colour for each track by where its embedding lies, so that those of a person are alike: 0 to 255."""
    if result.embeddings is None or result.n_tracks < 3:
        return np.round(result.cluster_ids * 255 * 0.618034 % 255)
    points = result.embeddings.astype(np.float64) - result.embeddings.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(points.T @ points)
    plane = points @ axes[:, -2:] if points.shape[1] > 1 else np.repeat(points, 2, axis=1)
    return np.round((np.arctan2(plane[:, 0], plane[:, 1]) / (2 * np.pi) % 1) * 255)
