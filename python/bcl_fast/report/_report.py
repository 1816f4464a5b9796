"""A page about a result: everything that it shows put together, for a file or for the server."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.checks import real_number, whole_at_least
from bcl_fast._utils.extras import require
from bcl_fast._utils.files import atomic_output, check_output
from bcl_fast._utils.text import counted
from bcl_fast._utils.types import Integers, PathLike
from bcl_fast.errors import InputError
from bcl_fast.report._dendrogram import Dendrogram, dendrogram_of
from bcl_fast.report._inside import pictures_inside
from bcl_fast.report._page import render
from bcl_fast.report._page_data import page_data
from bcl_fast.report._pictures import Pictures
from bcl_fast.report._summary import Summary, summary_of
from bcl_fast.results import ClusteringResult, tracks_of_rows
from bcl_fast.tracks import Edits, TrackPairs, TrackSet
from bcl_fast.tracks._edit_files import edits_text

PER_CLUSTER, MAX_MEGABYTES = 60, 40


@dataclass(frozen=True, eq=False)
class Report:
    """What a page shows.

    Attributes
    ----------
    result : ClusteringResult
    tracks : TrackSet or None
        The tracks of the result: for pictures, times and labels.
    pairs : TrackPairs or None
        Of the tracks: those known to be two people are counted, and never merged by the slider.
    pictures : Path or None
        The folder that pictures of the tracks are in, where they are named by paths.
    frames_per_second : float or None
        To show times in seconds.
    title : str
    edits : Edits or None
        Decisions that were made before.
    """

    result: ClusteringResult
    tracks: TrackSet | None = None
    pairs: TrackPairs | None = None
    pictures: Path | None = None
    frames_per_second: float | None = None
    title: str = "a result"
    edits: Edits | None = None

    def __post_init__(self) -> None:
        rate = self.frames_per_second
        if rate is not None and not 0 < real_number("frames_per_second", rate) < float("inf"):
            raise InputError(f"frames_per_second must be a number above 0, got {rate}")
        if self.result.n_tracks == 0:
            raise InputError("a page shows a result with at least one track, got none")

    @cached_property
    def thumbnails(self) -> Pictures | None:
        """Pictures of the tracks, None where there are none."""
        found = None if self.tracks is None else Pictures(self.tracks, self.pictures)
        return None if found is None or found.is_empty else found

    @cached_property
    def _cannot_link(self) -> Integers | None:
        """Rows of the result that are known to be two people."""
        if self.pairs is None or self.tracks is None:
            return None
        track_of_row = tracks_of_rows(self.result, self.tracks)
        row_of_track = np.full(self.tracks.n_tracks, -1)
        row_of_track[track_of_row[track_of_row >= 0]] = np.flatnonzero(track_of_row >= 0)
        rows = row_of_track[self.pairs.cannot_link]
        return rows[(rows >= 0).all(axis=1)]

    @cached_property
    def _dendrogram(self) -> Dendrogram:
        return dendrogram_of(self.result, self._cannot_link)

    @cached_property
    def _summary(self) -> Summary:
        return summary_of(self.result, self.tracks, self._dendrogram, self._cannot_link)

    @cached_property
    def _data(self) -> dict[str, Any]:
        return page_data(self.result, self.tracks, self._dendrogram, frames_per_second=self.frames_per_second)

    def page(self, *, per_cluster: int = PER_CLUSTER, max_megabytes: float = MAX_MEGABYTES) -> tuple[str, list[str]]:
        """Return the page as one HTML document, and sentences about what it does not hold.

        Parameters
        ----------
        per_cluster : int
            At most so many pictures of one cluster; a card shows 12, the list of its tracks all.
        max_megabytes : float
            Of all pictures together.
        """
        per_cluster = whole_at_least("per_cluster", per_cluster, 0)
        notes: list[str] = []
        chunks: list[str] = []
        inside: dict[str, Any] = {"kind": "none", "rows": []}
        if self.thumbnails is not None:
            limit = int(real_number("max_megabytes", max_megabytes) * 1e6)
            found = pictures_inside(self.result, self.thumbnails, per_cluster=per_cluster, max_bytes=limit)
            chunks, inside = found.chunks, {"kind": "inside", "rows": found.rows}
            notes = self._notes(found.n_left_out, max_megabytes)
        edits = None if self.edits is None else edits_text(self.edits)
        data = {**self._data, "host": {"kind": "file"}, "pictures": inside, "edits": edits}
        return render(self.title, data, self._summary, notes=notes, chunks=chunks), notes

    def served_page(self, edits: str | None, revision: str) -> str:
        """Return the page as a server sends it: pictures on demand, and edits sent back.

        Parameters
        ----------
        edits : str or None
            The text of the file of edits.
        revision : str
            By which the server knows that the page has seen that text.
        """
        pictures: dict[str, Any] = {"kind": "none" if self.thumbnails is None else "served", "rows": []}
        data = {**self._data, "host": {"kind": "server", "revision": revision}, "pictures": pictures, "edits": edits}
        return render(self.title, data, self._summary, is_served=True)

    def _notes(self, n_left_out: int, max_megabytes: float) -> list[str]:
        assert self.thumbnails is not None
        notes = []
        if n_left_out:
            notes.append(
                f"{counted(n_left_out, 'picture')} left out, to keep those in the page within {max_megabytes:g} MB"
            )
        if self.thumbnails.n_failed:
            notes.append(f"{counted(self.thumbnails.n_failed, 'picture')} could not be read")
        return notes


def check_report_output(path: PathLike, *, force: bool = False) -> None:
    """Check that a page can be written to ``path``, before any work is done.

    Raises
    ------
    InputError
        If the name does not end in .html, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise InputError(f"a page is written as .html, got the name {path}")
    require("a page", "jinja2")
    check_output(path, force=force)


def write_report(report: Report, path: PathLike, *, force: bool = False, **options: Any) -> list[str]:
    """Write a page as one file that opens from disk; returns sentences about what it does not hold.

    Parameters
    ----------
    report : Report
    path : path-like
        Ends in .html.
    force : bool, default False
        Replace a file that is there.
    **options
        Of `Report.page`.

    Raises
    ------
    InputError
        As `check_report_output`.
    """
    check_report_output(path, force=force)
    html, notes = report.page(**options)
    with atomic_output(path, force=force) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return notes
