"""A small film to look at, with pictures, and its page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from bcl_fast.results import cluster_tracks, write_result
from bcl_fast.tracks import TrackSet, write_tracks
from tests.helpers.results import circle

THRESHOLD = 0.1
# Clusters at 0.1: a b c d; e f g; h i; j; k. The last merge of the first is that of d; 0.15 joins the second and third.
DEGREES = (0, 3, 6, 14, 40, 42, 44, 60, 62, 120, 180)
IDS = "abcdefghijk"
LABELS = ["Ann"] * 4 + ["Bob"] * 5 + ["Dan", "Eve"]
HOSTILE = [
    "</script><script>window.hacked=1</script>",
    '"><img src=x onerror="window.hacked=1">',
    "<!--<script>",
    "{{ 7*7 }}",
    "javascript:window.hacked=1",
    "\u202egnp.exe",
    "__proto__",
    "' onmouseover='window.hacked=1",
    "]]>&lt;b&gt;",
    "\u2028window.hacked=1",
    "constructor",
]


def picture(colour: tuple[int, int, int], size: int = 120) -> bytes:
    """A JPEG of one colour, with a text in its comment and in its metadata that must not get on."""
    image = Image.new("RGB", (size, size), colour)
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    content = io.BytesIO()
    image.save(content, "JPEG", exif=exif, comment=b"secret comment")
    return content.getvalue()


def film(folder: Path, ids: list[str] | None = None, videos: list[str] | str = "ep1") -> TrackSet:
    """Tracks of two faces each, with pictures in a folder, times and labels."""
    (folder / "faces").mkdir(exist_ok=True)
    images = []
    for place in range(len(DEGREES)):
        (folder / "faces" / f"{place}.jpg").write_bytes(picture((20 * place, 255 - 20 * place, 120)))
        images += [f"faces/{place}.jpg", ""]
    return TrackSet.from_arrays(
        np.repeat(circle(*DEGREES), 2, axis=0),
        np.arange(0, 2 * len(DEGREES) + 1, 2),
        track_ids=ids or list(IDS),
        video_ids=videos,
        labels=LABELS,
        frames=np.stack([np.arange(len(DEGREES)) * 100, np.arange(len(DEGREES)) * 100 + 60], axis=1).ravel(),
        images=images,
    )


def write_film(folder: Path, **names) -> Path:
    """Write ``tracks.parquet`` and ``clusters.parquet`` into a folder."""
    tracks = film(folder, **names)
    write_tracks(tracks, folder / "tracks.parquet")
    write_result(cluster_tracks(tracks, tracks.mean_features(), THRESHOLD), folder / "clusters.parquet")
    return folder
