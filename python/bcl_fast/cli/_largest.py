"""What `cluster` says at its end: the largest clusters, when they are on screen, and what to do next."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bcl_fast.results import ClusteringResult
    from bcl_fast.tracks import TrackSet

MOST = 10
_BLOCKS = " ▁▂▃▄▅▆▇█"
_WIDTH = 24


def largest_clusters(result: ClusteringResult, tracks: TrackSet, most: int = MOST) -> list[dict[str, Any]]:
    """List the largest clusters, each with its tracks, its videos, its frames on screen and a strip of when.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet
        Those of the result, or some of them.
    most : int, default 10

    Returns
    -------
    records : list of dict
        ``cluster, name, tracks, videos, frames, on_screen``: the last two are None without frames in the tracks. The
        strip goes through all videos, one after the other: the fuller a block, the more of that time, the fullest of
        all strips being a whole one.
    """
    from bcl_fast.results import tracks_of_rows

    clusters, sizes = np.unique(result.cluster_ids[result.cluster_ids >= 0], return_counts=True)
    spans = _spans(tracks, tracks_of_rows(result, tracks))
    records: list[dict[str, Any]] = []
    for place in np.argsort(-sizes, kind="stable")[:most].tolist():
        rows = np.flatnonzero(result.cluster_ids == clusters[place])
        known = None if spans is None else spans[rows][spans[rows, 0] >= 0]
        records.append(
            {
                "cluster": int(clusters[place]),
                "name": "" if result.names is None else str(result.names[rows[0]]),
                "tracks": int(sizes[place]),
                "videos": len(set(result.video_ids[rows].tolist())),
                "frames": None if known is None else int((known[:, 1] - known[:, 0]).sum()),
                "on_screen": None if spans is None or known is None else _shares(known, int(spans[:, 1].max())),
            }
        )
    fullest = max((record["on_screen"].max() for record in records if record["on_screen"] is not None), default=0.0)
    for record in records:
        record["on_screen"] = None if record["on_screen"] is None else _strip(record["on_screen"], fullest)
    return records


def print_largest(result: ClusteringResult, tracks: TrackSet) -> None:
    """Print the largest clusters as a table on standard error."""
    from bcl_fast.cli._tables import print_records_on_stderr

    records = largest_clusters(result, tracks)
    hidden = result.n_clusters - len(records)
    note = f"and {counted(hidden, 'smaller cluster')}" if hidden else None
    print_records_on_stderr([{**record, "on_screen": record["on_screen"] or ""} for record in records], note)


def print_outcome(result: ClusteringResult, tracks: TrackSet, files: list[Path | None]) -> None:
    """Print what came out as JSON: counts, the largest clusters, and where the files are."""
    violations = result.violations
    outcome = {
        "n_tracks": result.n_tracks,
        "n_clusters": result.n_clusters,
        "distance_threshold": result.distance_threshold,
        "linkage": result.linkage,
        "violations": None if violations is None else violations._asdict(),
        "largest": largest_clusters(result, tracks),
        "files": [str(file) for file in files if file is not None],
    }
    typer.echo(json.dumps(outcome, indent=2))


def say_next(output: Path, tracks: list[Path], report: Path | None) -> None:
    """Say what may be done with a result that was written."""
    if report is not None:
        say(f"the page -> {report}")
    elif str(output) != "-" and "-" not in map(str, tracks):
        files = " ".join(f"--tracks {shlex.quote(str(file))}" for file in tracks[:3])
        say(f"look at them, name and correct them: bcl-fast review {shlex.quote(str(output))} {files}")


def _spans(tracks: TrackSet, track_of_row: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return begin and end of each row on a line through all videos; -1 where its track is not known."""
    found = tracks.frame_spans()
    if found is None or len(found) == 0:
        return None
    starts, shifted = 0, np.empty((tracks.n_tracks, 2), np.int64)
    for members in tracks.tracks_of_videos().values():
        first = int(found[members, 0].min())
        shifted[members] = found[members] - first + starts + np.array([0, 1])
        starts = int(shifted[members, 1].max())
    spans = np.full((len(track_of_row), 2), -1)
    spans[track_of_row >= 0] = shifted[track_of_row[track_of_row >= 0]]
    return spans


def _shares(spans: NDArray[np.int64], end: int) -> NDArray[np.float64]:
    """Return how much of each part of the line the spans cover, in frames."""
    edges = np.linspace(0, end, _WIDTH + 1)
    shares = np.zeros(_WIDTH)
    for start, stop in spans.tolist():
        shares += np.clip(np.minimum(edges[1:], stop) - np.maximum(edges[:-1], start), 0, None)
    return shares


def _strip(shares: NDArray[np.float64], fullest: float) -> str:
    return "".join(_BLOCKS[int(np.ceil(share / max(fullest, 1e-9) * (len(_BLOCKS) - 1)))] for share in shares)
