"""Thumbnails: pictures of faces, decoded and encoded anew, so that nothing of a file reaches a page but what it shows.

The picture of a face is what its track set has in ``images``: a picture in base64 (``data:image/jpeg;base64,...``), or
a path, which is opened only inside the folder that the user names (by default that of the tracks).
"""

from __future__ import annotations

import base64
import io
import os
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bcl_fast.tracks import TrackSet

SIDE = 96  # pixels: twice what a card shows, for fine screens
LARGEST_FILE = 1 << 24  # bytes of a picture
LARGEST_PICTURE = 1 << 25  # pixels
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_QUALITY = 78


@dataclass
class Pictures:
    """Thumbnails of the faces of a track set.

    Attributes
    ----------
    tracks : TrackSet
    folder : Path or None
        Paths of pictures are taken to be relative to it, and nothing outside is opened; None: no path is.
    side : int
        Length of the longer side of a thumbnail, in pixels.
    n_failed : int
        Pictures so far that are named and could not be shown.
    """

    tracks: TrackSet
    folder: Path | None = None
    side: int = SIDE
    n_failed: int = field(default=0, init=False)

    @property
    def is_empty(self) -> bool:
        """Whether no face has a picture."""
        return self.tracks.images is None or not any(self.tracks.images)

    def of_track(self, track: int) -> bytes | None:
        """Return a JPEG thumbnail of the face that shows a track best, or None: of those that have a picture."""
        from bcl_fast.results import central_face

        images = self.tracks.images
        if images is None:
            return None
        start, stop = self.tracks.offsets[track : track + 2].tolist()
        central = central_face(self.tracks, track)
        nearest = sorted(range(start, stop), key=lambda face: (face != central, abs(face - central)))
        face = next((face for face in nearest if images[face]), None)
        return None if face is None else self.of_face(face)

    def of_face(self, face: int) -> bytes | None:
        """Return a JPEG thumbnail of a face, or None where it has no picture that can be shown."""
        image = None if self.tracks.images is None else self.tracks.images[face]
        if not image:
            return None
        try:
            return thumbnail(self._content(image), self.side)
        except (OSError, ValueError):
            self.n_failed += 1
            return None

    def _content(self, image: str) -> bytes:
        if image.startswith("data:"):
            return base64.b64decode(image.partition(";base64,")[2], validate=True)
        if self._root is None:
            raise ValueError("no folder of pictures is given")
        path = (self._root / image).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise ValueError("the picture is not in the folder")
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("the file is too large for a picture")
        return path.read_bytes()

    @cached_property
    def _root(self) -> Path | None:
        return None if self.folder is None else Path(os.path.realpath(self.folder))


def thumbnail(content: bytes, side: int = SIDE) -> bytes:
    """Return a picture as a small JPEG without anything but its pixels.

    Raises
    ------
    ValueError
        If it is none, or too large to decode.
    OSError
        If it is damaged.
    """
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                if opened.width * opened.height > LARGEST_PICTURE:
                    raise ValueError(f"a picture must have at most {LARGEST_PICTURE} pixels")
                opened.draft("RGB", (2 * side, 2 * side))
                picture: Any = ImageOps.exif_transpose(opened).convert("RGB")
        except (Image.DecompressionBombError, Image.DecompressionBombWarning, SyntaxError, EOFError) as error:
            raise ValueError(str(error)) from None
    picture.thumbnail((side, side))
    bare = Image.new("RGB", picture.size)  # without the comment, the profile and whatever else comes with the pixels
    bare.paste(picture)
    encoded = io.BytesIO()
    bare.save(encoded, "JPEG", quality=_QUALITY)
    return encoded.getvalue()
