"""One picture of everybody: a row of faces for each cluster, largest first."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bcl_fast._utils.checks import whole_at_least
from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.extras import require
from bcl_fast._utils.files import atomic_output, check_output
from bcl_fast._utils.text import counted
from bcl_fast._utils.types import Integers, PathLike
from bcl_fast.errors import InputError
from bcl_fast.results import tracks_of_rows
from bcl_fast.video._cutout import JPEG_URI, THUMBNAIL

if TYPE_CHECKING:
    from bcl_fast.results import ClusteringResult
    from bcl_fast.tracks import TrackSet

_SUFFIXES = (".jpg", ".jpeg", ".png")
_GAP, _LABEL = 6, 200  # pixels between faces, and of the words before a row
_MOST_ROWS = 400  # a picture of more would be higher than programs show
_PAPER, _INK, _FAINT = (255, 255, 255), (20, 20, 20), (110, 110, 110)


def check_contact_sheet_output(path: PathLike, *, force: bool = False) -> Path:
    """Check that a contact sheet can be written there.

    Raises
    ------
    InputError
        If its name does not end in .jpg or .png, or it cannot be written.
    """
    if Path(path).suffix.lower() not in _SUFFIXES:
        raise InputError(f"a contact sheet is written to a path that ends in .jpg or .png, got {str(path)!r}")
    return check_output(path, force=force)


def write_contact_sheet(
    result: ClusteringResult, tracks: TrackSet, path: PathLike, *, per_cluster: int = 8, force: bool = False
) -> int:
    """Write a picture with a row of faces for each cluster, the one of the most tracks first.

    Parameters
    ----------
    result : ClusteringResult
    tracks : TrackSet
        With pictures in ``images``, as `extract` writes them.
    path : path-like
        ``.jpg`` or ``.png``.
    per_cluster : int, default 8
        Most faces of a cluster, each of another track as long as there are any.
    force : bool, default False
        Replace a file that is there.

    Returns
    -------
    n_rows : int
        Clusters that are shown, the largest 400 at most.

    Raises
    ------
    InputError
        As `check_contact_sheet_output`; or if ``per_cluster`` is less than 1.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from bcl_fast import cluster_tracks, simulate_movies
    >>> from bcl_fast.video import write_contact_sheet
    >>> tracks = simulate_movies(1, 20, seed=0)
    >>> result = cluster_tracks(tracks, tracks.mean_features(), 1e9)
    >>> with TemporaryDirectory() as folder:
    ...     write_contact_sheet(result, tracks, Path(folder) / "people.png")
    1
    """
    per_cluster = whole_at_least("per_cluster", per_cluster, 1)
    check_contact_sheet_output(path, force=force)
    require("a contact sheet", "PIL")
    clusters, sizes = np.unique(result.cluster_ids[result.cluster_ids >= 0], return_counts=True)
    order = np.lexsort((clusters, -sizes))[:_MOST_ROWS]
    rows = [_row_of(result, tracks, int(clusters[place]), per_cluster) for place in order]
    sheet = _drawn(rows, per_cluster)
    with atomic_output(path, force=force) as temporary:
        sheet.save(temporary, quality=90)
    return len(rows)


def _row_of(result: ClusteringResult, tracks: TrackSet, cluster: int, most: int) -> tuple[list[str], list[str]]:
    """Words about a cluster, and pictures of its faces."""
    members = np.flatnonzero(result.cluster_ids == cluster)
    members = members[np.argsort(result.distances_to_centroid[members], kind="stable")]
    of_members = tracks_of_rows(result, tracks)[members]
    name = "" if result.names is None else str(result.names[members[0]])
    words = [as_printable(name) or f"cluster {cluster}", counted(len(members), "track")]
    return words, _faces(tracks, of_members[of_members >= 0], most)


def _faces(tracks: TrackSet, members: Integers, most: int) -> list[str]:
    """Choose pictures: one of each track, the most central first, then a second of each."""
    if tracks.images is None:
        return []
    choices: list[list[str]] = []
    for track in members.tolist():
        images = [image for image in tracks.images[tracks.offsets[track] : tracks.offsets[track + 1]] if image]
        choices.append(images[len(images) // 2 :] + images[: len(images) // 2])
    longest = max(map(len, choices), default=0)
    return [images[rank] for rank in range(longest) for images in choices if rank < len(images)][:most]


def _drawn(rows: Sequence[tuple[list[str], list[str]]], per_cluster: int) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    columns = max((len(images) for _, images in rows), default=1)
    step = THUMBNAIL + _GAP
    sheet = Image.new("RGB", (_LABEL + columns * step + _GAP, max(1, len(rows)) * step + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    fonts = [(ImageFont.load_default(20), _INK), (ImageFont.load_default(15), _FAINT)]
    if not rows:
        draw.text((_GAP * 2, _GAP * 4), "no faces", font=fonts[0][0], fill=_INK)
    for place, (words, images) in enumerate(rows):
        top = _GAP + place * step
        for line, (text, (font, ink)) in enumerate(zip(words, fonts, strict=True)):
            draw.text((_GAP * 2, top + 32 + 28 * line), _shortened(text, font), font=font, fill=ink)
        for column, image in enumerate(images):
            sheet.paste(_decoded(image), (_LABEL + column * step, top))
    return sheet


def _shortened(text: str, font: Any) -> str:
    while font.getlength(text) > _LABEL - 3 * _GAP and len(text) > 1:
        text = text[:-2] + "…"
    return text


def _decoded(image: str) -> Any:
    """Return a picture that `extract` made; of anything else a grey field."""
    from PIL import Image

    field = Image.new("RGB", (THUMBNAIL, THUMBNAIL), (200, 200, 200))
    if not image.startswith(JPEG_URI):
        return field
    try:
        content = base64.b64decode(image.removeprefix(JPEG_URI), validate=True)
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as found:
            if max(found.size) > 4 * THUMBNAIL:
                return field
            return found.convert("RGB").resize((THUMBNAIL, THUMBNAIL))
    except (OSError, ValueError, binascii.Error):
        return field
