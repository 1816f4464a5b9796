"""Files in which another tool says which cluster a track is in.

- a table (``.csv``, ``.tsv``, ``.parquet``, ``.feather``, ``.arrow``): a track and a cluster per row, and the video
  where track ids repeat; columns ``track_id``, ``video_id``, ``cluster_id`` or what such columns are mostly called, or
  two columns of any name, or none;
- ``.json``: ``{track: cluster}``, ``{video: {track: cluster}}``, ``{cluster: [track, ...]}``, or a list of records;
- ``.npy``, any other text, or a list in JSON: a cluster per track, in the order of the tracks; text may also have
  ``track cluster`` or ``video track cluster`` in every line.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.csv import csv_rows
from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Names, PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._names import as_names, track_name
from bcl_fast.tracks._numpy import reading
from bcl_fast.tracks._pair_files import TrackFinder
from bcl_fast.tracks._sources import TABLE_SUFFIXES, open_source

NO_CLUSTER = "-1"  # what DBSCAN and HDBSCAN give to what is in no cluster
_CALLED = {
    "track": ("track_id", "track", "tracklet", "id", "name"),
    "video": ("video_id", "video", "episode"),
    "cluster": ("cluster_id", "cluster", "label", "labels", "prediction", "predicted", "person", "identity"),
}
_KNOWN = {name for names in _CALLED.values() for name in names}


class _Entry(NamedTuple):
    """What a file says of a track; the video may not be said."""

    video: str | None
    track: str
    cluster: str


_InOrder = Names  # a cluster per track


def read_labels(path: PathLike, tracks: TrackSet) -> Names:
    """Read the cluster of each track from a file of another tool; the module says of what kinds.

    Parameters
    ----------
    path : path-like
    tracks : TrackSet
        The tracks that the file speaks of. What it says of others is left out, with a warning.

    Returns
    -------
    labels : ndarray of shape (n_tracks,), object: str
        Names of clusters; ``""`` for a track in none: not in the file, without a cluster there, or in cluster -1.

    Raises
    ------
    InputError
        If the file is missing or of none of these kinds, names no track of these, a track id that is in several videos,
        or two clusters for one track.
    """
    file = check_is_file(path, "file of labels")
    found = _reader(file.suffix.lower())(file)
    labels = found if isinstance(found, np.ndarray) else _placed(found, tracks, file)
    if len(labels) != tracks.n_tracks:
        wanted = f"a cluster for each of the {tracks.n_tracks} tracks"
        raise InputError(f"{file} must hold {wanted}, or name the tracks, got {len(labels)} clusters")
    return np.where(labels == NO_CLUSTER, "", labels).astype(object)


def _reader(suffix: str) -> Callable[[Path], list[_Entry] | _InOrder]:
    if suffix in (".csv", ".tsv"):
        return _read_csv
    if suffix in TABLE_SUFFIXES:
        return _read_table
    return {".json": _read_json, ".npy": _read_npy}.get(suffix, _read_text)


def _placed(entries: Iterable[_Entry], tracks: TrackSet, file: Path) -> Names:
    find = TrackFinder(tracks)
    labels, n_unknown, n_known = np.full(tracks.n_tracks, "", dtype=object), 0, 0
    for video, name, cluster in entries:
        track = find.find(name, video, str(file))
        if track is None:
            n_unknown += 1
            continue
        n_known += 1
        if labels[track] not in ("", cluster):
            both = f"{one_line(labels[track])!r} and {one_line(cluster)!r}"
            known = track_name(tracks.track_ids[track], tracks.video_ids[track])
            raise InputError(f"{file} must give each track one cluster, got {both} for {known}")
        labels[track] = cluster
    if n_known == 0:
        raise InputError(f"{file} must name tracks that are among the {tracks.n_tracks}, got none of them")
    if n_unknown:
        warnings.warn(f"{n_unknown:,} tracks of {file} are not among the tracks: they are left out", stacklevel=4)
    return labels


def _entries(names: list[str], rows: Iterable[list[Any]], file: Path) -> list[_Entry] | _InOrder:
    """Take rows apart by the names of their columns."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    if len(names) == 1:
        return as_names(list(columns[0]), "a cluster")
    places = {
        what: next((names.index(name) for name in known if name in names), None) for what, known in _CALLED.items()
    }
    track, video, cluster = places["track"], places["video"], places["cluster"]
    if len(names) == 2 and (track is None or cluster is None):
        track, video, cluster = 0, None, 1
    if track is None or cluster is None:
        got = one_line(", ".join(map(repr, names))) or "nothing"
        raise InputError(f"{file} must have columns track_id, cluster_id and, if needed, video_id, got {got}")
    tracks, clusters = (
        as_names(list(columns[place]), what) for place, what in ((track, "a track"), (cluster, "a cluster"))
    )
    videos = [None] * len(tracks) if video is None else as_names(list(columns[video]), "a video").tolist()
    return [_Entry(*entry) for entry in zip(videos, tracks.tolist(), clusters.tolist(), strict=True)]


def _read_csv(file: Path) -> list[_Entry] | _InOrder:
    delimiter = "\t" if file.suffix.lower() == ".tsv" else ","
    rows = [row for _, row in csv_rows(file, "file of labels", stripped=True, delimiter=delimiter)]
    if not rows:
        raise InputError(f"{file} must have a track and a cluster in every line, got nothing")
    uneven = next((row for row in rows if len(row) != len(rows[0])), None)
    if uneven is not None:
        raise InputError(f"{file} must have {len(rows[0])} columns in every line, got {len(uneven)}")
    has_header = bool(_KNOWN & set(rows[0])) or len(rows[0]) > 3
    return _entries(rows[0] if has_header else _NO_HEADER[len(rows[0])], rows[1:] if has_header else rows, file)


_NO_HEADER = {1: ["cluster"], 2: ["track", "cluster"], 3: ["video", "track", "cluster"]}


def _read_table(file: Path) -> list[_Entry] | _InOrder:
    with open_source(file, file.suffix.lower()) as source:
        names = source.schema.names
        wanted = names if len(names) <= 2 else [name for name in names if name in _KNOWN]
        twice = next((name for name in wanted if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{file} must have one column {twice!r}, got {names.count(twice)} of that name")
        columns = [column.to_pylist() for column in source.table(wanted).columns]
    return _entries(wanted, [list(row) for row in zip(*columns, strict=True)], file)


def _read_json(file: Path) -> list[_Entry] | _InOrder:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is one, and numbers of too many digits
        raise InputError(f"{file} must be JSON ({one_line(error)})") from None
    try:
        if isinstance(content, dict):
            return [entry for key, value in content.items() for entry in _json_entries(key, value)]
        if isinstance(content, list) and content and all(isinstance(record, dict) for record in content):
            names = list(dict.fromkeys(name for record in content for name in record))
            return _entries(names, [[record.get(name) for name in names] for record in content], file)
        if isinstance(content, list):
            return as_names(content, "a cluster")
    except InputError as error:
        raise InputError(f"{file} must hold tracks and clusters ({error})") from None
    raise InputError(f"{file} must hold an object or a list, got {str(content)[:40]}")


def _json_entries(key: str, value: Any) -> Iterable[_Entry]:
    if isinstance(value, dict):
        for track, cluster in value.items():
            yield _Entry(key, track, str(as_names([cluster], "a cluster")[0]))
    elif isinstance(value, list):
        for track in as_names(value, "a track").tolist():
            yield _Entry(None, track, key)
    else:
        yield _Entry(None, key, str(as_names([value], "a cluster")[0]))


def _read_npy(file: Path) -> _InOrder:
    with reading(f"{file}: a .npy array"), file.open("rb") as opened:
        array = np.lib.format.read_array(opened, allow_pickle=False)
    return as_names(array, f"{file}: a cluster")


def _read_text(file: Path) -> list[_Entry] | _InOrder:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file} must be text in UTF-8 ({error})") from None
    rows = [line.replace(",", " ").split() for line in lines if line.strip()]
    sizes = {len(row) for row in rows}
    if len(sizes) != 1 or not sizes <= set(_NO_HEADER):
        wanted = "cluster, 'track cluster' or 'video track cluster' in every line"
        raise InputError(f"{file} must have {wanted}, got {' and '.join(map(str, sorted(sizes)[:3])) or 'no'} words")
    return _entries(_NO_HEADER[len(rows[0])], rows, file)
