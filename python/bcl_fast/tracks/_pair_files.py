"""Where pairs of tracks come from: frames (``auto``), and files in which a user says who is one person, who two."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bcl_fast._utils.csv import csv_rows
from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Integers, PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks._defaults import DUPLICATE_IOU
from bcl_fast.tracks._edit_files import SUFFIX, read_edits
from bcl_fast.tracks._edits import combine_edits
from bcl_fast.tracks._names import track_name
from bcl_fast.tracks._pairs import NO_PAIRS, TrackPairs, automatic_pairs, sorted_pairs
from bcl_fast.tracks._track_set import TrackSet

_NAMES = ("track_a", "track_b")
_VIDEOS = ("video_a", "video_b")
_WANTED = "track_a,track_b,link and, where a track id is in several videos, video_a,video_b"


def collect_pairs(
    tracks: TrackSet,
    sources: Sequence[str],
    *,
    min_overlap: int = 1,
    duplicate_iou: float | None = DUPLICATE_IOU,
) -> TrackPairs:
    """Put together what is known about pairs of tracks.

    Parameters
    ----------
    tracks : TrackSet
    sources : sequence of str
        ``"auto"`` (see `bcl_fast.tracks.automatic_pairs`), ``"none"``, or files: ``.json`` for `read_edits`, others for
        `read_pairs`. May be several, of which ``"none"`` is not one. What edits say of tracks that are not among these
        is left out: it is about other videos.
    min_overlap, duplicate_iou
        Of the automatic pairs.

    Returns
    -------
    pairs : TrackPairs
        Free of contradictions. What a user says goes before what the frames say: automatic pairs of tracks that files
        declare the same person are left out, with a warning.

    Raises
    ------
    InputError
        If a file cannot be used, ``"none"`` stands beside others, or files contradict each other (the pair is named).
    """
    if "none" in sources and len(sources) > 1:
        raise InputError(f"constraints must be none alone, or sources of pairs, got {' and '.join(sources)}")
    files = [path for path in sources if path not in ("auto", "none")]
    given = [read_pairs(path, tracks) for path in files if not is_edits(path)]
    edits = combine_edits((path, read_edits(path)) for path in files if is_edits(path))
    given.append(edits.pairs(tracks))
    must_link, cannot_link = (np.concatenate([NO_PAIRS, *parts]) for parts in zip(TrackPairs(), *given, strict=True))
    person = linked_groups(must_link, tracks.n_tracks)
    contradictions = cannot_link[_are_linked(person, cannot_link)]
    if len(contradictions):
        names = [track_name(tracks.track_ids[track], tracks.video_ids[track]) for track in contradictions[0]]
        raise InputError(
            f"the files say cannot of {names[0]} and {names[1]}, but their must pairs make them one person"
        )
    if "auto" in sources:
        automatic = automatic_pairs(tracks, min_overlap=min_overlap, duplicate_iou=duplicate_iou).cannot_link
        refuted = _are_linked(person, automatic)
        if refuted.any():
            warnings.warn(
                f"{refuted.sum()} pairs of tracks overlap in time though the files say that they are one person: "
                "the files count",
                stacklevel=2,
            )
        cannot_link = np.concatenate([cannot_link, automatic[~refuted]])
    return TrackPairs(*(sorted_pairs(pairs, tracks.n_tracks) for pairs in (must_link, cannot_link)))


def is_edits(path: PathLike) -> bool:
    """Whether a file of pairs holds edits of the page, by its name."""
    return Path(path).suffix.lower() == SUFFIX


def _are_linked(person: Integers, pairs: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return person[pairs[:, 0]] == person[pairs[:, 1]]


def read_pairs(path: str | Path, tracks: TrackSet) -> TrackPairs:
    """Read pairs from CSV: two tracks and ``must`` (one person) or ``cannot`` (two people) per line.

    The first line names the columns, ``track_a,track_b`` and any name for the third, and ``video_a,video_b`` where a
    track id is in several videos. Without such a line the columns are track, track, must or cannot.

    Parameters
    ----------
    path : path-like
    tracks : TrackSet
        The tracks that the file speaks of.

    Returns
    -------
    pairs : TrackPairs
        In the order of the file.

    Raises
    ------
    InputError
        If the file is missing or not such a table, or a line names a track that is not there or is in several videos,
        the same track twice, or something else than must or cannot.
    """
    file, rows = Path(path), list(csv_rows(path, "file of pairs", stripped=True))
    columns = _columns(file, rows[0][1] if rows else [])
    find = TrackFinder(tracks)
    pairs: dict[str, list[tuple[int, int]]] = {"must": [], "cannot": []}
    for number, row in rows if columns is _PLAIN else rows[1:]:
        where = f"line {number} of {file}"
        if len(row) != len(columns):
            raise InputError(f"{where} must have {len(columns)} columns, got {len(row)}")
        cells = dict(zip(columns, row, strict=True))
        if cells["link"] not in pairs:
            raise InputError(f"{where} must say must or cannot, got {one_line(cells['link'])!r}")
        a, b = (find(cells[name], cells.get(video), where) for name, video in zip(_NAMES, _VIDEOS, strict=True))
        if a == b:
            raise InputError(f"{where} must name two tracks, got {cells['track_a']!r} twice")
        pairs[cells["link"]].append((a, b))
    return TrackPairs(*(np.array(pairs[link], np.int64).reshape(-1, 2) for link in ("must", "cannot")))


_PLAIN = ("track_a", "track_b", "link")


def _columns(file: Path, first: list[str]) -> tuple[str, ...]:
    """Names of the columns by the first line; the one that says must or cannot is called ``link``."""
    if len(first) == 3 and first[2] in ("must", "cannot"):
        return _PLAIN
    known = {*_NAMES, *_VIDEOS}
    others = [name for name in first if name not in known]
    n_videos = sum(name in first for name in _VIDEOS)
    if not set(_NAMES) <= set(first) or len(others) != 1 or n_videos == 1 or len(set(first)) < len(first):
        raise InputError(f"{file} must have the columns {_WANTED}, got {one_line(','.join(first)) or 'nothing'}")
    return tuple(name if name in known else "link" for name in first)


class TrackFinder:
    """Finds tracks by their names."""

    def __init__(self, tracks: TrackSet) -> None:
        self._index: dict[str, dict[str, int]] = {}
        for track, (name, video) in enumerate(zip(tracks.track_ids.tolist(), tracks.video_ids.tolist(), strict=True)):
            self._index.setdefault(name, {})[video] = track

    def find(self, name: str, video: str | None, where: str, *, columns: str = "a column video_id") -> int | None:
        """Return a track by its name and, if that is known, its video; None if there is no such track.

        Raises
        ------
        InputError
            If the video is not known and several have such a track; ``where`` says who asks, ``columns`` where a user
            can say which video is meant.
        """
        found = self._index.get(name, {})
        if video is not None:
            return found.get(video)
        if len(found) > 1:
            raise InputError(
                f"{where} names the track {one_line(name)!r}, which is in {len(found)} videos, say in {columns} which"
            )
        return next(iter(found.values()), None)

    def __call__(self, name: str, video: str | None, where: str) -> int:
        """Return a track that must be there, for a line of a file of pairs."""
        found = self.find(name, video, where, columns="columns video_a and video_b")
        if found is None:
            what = f"the track {one_line(name)!r}" if video is None else track_name(name, video)
            raise InputError(f"{where} names {what}, which is not among the tracks")
        return found
