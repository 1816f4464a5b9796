"""Videos grouped into series and all together, as the paper scores them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bcl_fast.tracks._track_set import TrackSet

COMBINED = "all"
_EPISODE = re.compile(r"(.+?)[-_ .]*(?:s\d+[-_ .]*e\d+|episode[-_ .]*\d+|e\d+)", re.IGNORECASE)


def series_of(video: str) -> str:
    """Return the name of a video without what says which episode it is; nothing where no episode is named."""
    match = _EPISODE.fullmatch(video)
    return match[1] if match else ""


def groups_of_videos(tracks: TrackSet, *, series: bool) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Name and tracks of each video, of each series if asked and there are two or more, and of all videos together."""
    of_video = tracks.tracks_of_videos()
    yield from of_video.items()
    of_series: dict[str, list[str]] = {}
    for video in of_video:
        of_series.setdefault(series_of(video), []).append(video)
    if series and len(of_series) > 1:
        for name, videos in of_series.items():
            if name and len(videos) > 1:
                yield f"{name} ({len(videos)} videos)", np.sort(np.concatenate([of_video[video] for video in videos]))
    if len(of_video) > 1:
        yield COMBINED, np.arange(tracks.n_tracks)
