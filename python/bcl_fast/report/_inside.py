"""The pictures that go into a page: of each cluster the most central tracks and those at the rim, as many as fit."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bcl_fast._utils.types import Integers
from bcl_fast.report._pictures import Pictures
from bcl_fast.results import ClusteringResult, tracks_of_rows

CENTRAL, RIM = 9, 3  # as the page shows them: cards.js
_PER_CHUNK = 200


class Inside(NamedTuple):
    """Pictures as texts of lines, which chunk each row's is in, and how many rows were left out for the limit."""

    chunks: list[str]
    rows: list[tuple[int, int]]
    n_left_out: int


def pictures_inside(result: ClusteringResult, pictures: Pictures, *, per_cluster: int, max_bytes: int) -> Inside:
    """Encode the pictures of the tracks that stand for each cluster, the first of every cluster before any second.

    Parameters
    ----------
    result : ClusteringResult
    pictures : Pictures
    per_cluster : int
        At most so many of one.
    max_bytes : int
        Of all together, in the page: the rest is left out.
    """
    at = tracks_of_rows(result, pictures.tracks)
    wanted = [row for row in _by_rank(result, per_cluster) if at[row] >= 0]
    lines: dict[int, str] = {}
    n_bytes, n_left_out = 0, 0
    for place, row in enumerate(wanted):
        picture = pictures.of_track(int(at[row]))
        if picture is None:
            continue
        line = f"{row} {base64.b64encode(picture).decode()}"
        n_bytes += len(line) + 1
        if n_bytes > max_bytes:
            n_left_out = len(wanted) - place
            break
        lines[row] = line
    return _in_chunks(lines, result, n_left_out)


def _in_chunks(lines: dict[int, str], result: ClusteringResult, n_left_out: int) -> Inside:
    """Put pictures of a cluster side by side, the largest clusters first: what is seen together is read together."""
    rows = np.array(list(lines), np.int64)
    order = np.lexsort((result.cluster_ids[rows], -result.cluster_sizes[rows]))
    rows = rows[order]
    chunks = [rows[start : start + _PER_CHUNK].tolist() for start in range(0, len(rows), _PER_CHUNK)]
    return Inside(
        ["\n".join(lines[row] for row in part) for part in chunks],
        [(row, number) for number, part in enumerate(chunks) for row in part],
        n_left_out,
    )


def _by_rank(result: ClusteringResult, per_cluster: int) -> Iterator[int]:
    """Yield rows: of all clusters the most central track, the largest cluster first, then the next of all."""
    order = np.lexsort((result.distances_to_centroid, result.cluster_ids))
    order = order[result.cluster_ids[order] >= 0]
    if len(order) == 0:
        return
    _, starts, sizes = np.unique(result.cluster_ids[order], return_index=True, return_counts=True)
    clusters = np.argsort(-sizes, kind="stable")
    members = [_shown(order[start : start + size], per_cluster) for start, size in zip(starts, sizes, strict=True)]
    for rank in range(per_cluster):
        for cluster in clusters.tolist():
            if rank < len(members[cluster]):
                yield int(members[cluster][rank])


def _shown(rows: Integers, per_cluster: int) -> Integers:
    """Return tracks of a cluster, those first without which a card would say least: the middle, then the rim."""
    if len(rows) > CENTRAL + RIM:
        rows = np.concatenate([rows[:RIM], rows[-RIM:], rows[RIM:-RIM]])
    return rows[:per_cluster]
