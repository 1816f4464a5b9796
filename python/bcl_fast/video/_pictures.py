"""Pictures in a folder as if they were a film: each a shot of its own, or the frames of a sequence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bcl_fast.errors import InputError
from bcl_fast.video._frames import MOST_PIXELS, SHORTEST_SIDE, Converters, Frame, Position, Source
from bcl_fast.video._packages import package

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif")
_DEMUXERS = "image2,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe,tiff_pipe,mov,mp4,m4a,3gp,3g2,mj2"
_SEQUENCE_RATE = 25.0  # frames per second of pictures that do not say it


def is_picture(path: Path) -> bool:
    """Whether a file is called as a picture is."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder, and of those in it, in the order that people count in."""
    found = [file for file in folder.rglob("*") if is_picture(file) and file.is_file() and file.name[0] != "."]
    return sorted(found, key=lambda file: _counted(file, folder))


class Pictures(Source):
    """Pictures, read in the order given; one that cannot be read is left out and counted."""

    def __init__(self, path: Path, files: list[Path], *, sequence: bool = False) -> None:
        self.path, self.files = path, files
        self.n_frames, self.is_film = len(files), sequence
        self.rate = _SEQUENCE_RATE if sequence else 0.0

    @classmethod
    def of_folder(cls, folder: Path, *, sequence: bool = False) -> Pictures:
        """Find the pictures of a folder, and of those in it, in the order that people count in.

        Raises
        ------
        InputError
            If there are none.
        """
        found = pictures_in(folder)
        if not found:
            raise InputError(
                f"{folder}: a folder of pictures ({', '.join(PICTURE_SUFFIXES)}) is wanted, got none in it"
            )
        return cls(folder, found, sequence=sequence)

    def frames(self, position: Position, start_seconds: float = 0.0) -> Iterator[Frame]:
        """Read pictures from a position on; the time is that of a sequence."""
        self.n_damaged, converters = 0, Converters()
        first = max(position.number, int(start_seconds * self.rate))
        for number, file in enumerate(self.files[first:], start=first):
            decoded = _decode(file)
            if decoded is None:
                self.n_damaged += 1
            else:
                yield Frame(decoded, number, number / self.rate if self.rate else 0.0, converters)


def _counted(file: Path, folder: Path) -> list[tuple[int, str]]:
    """Key by which ``2.jpg`` comes before ``10.jpg``."""
    pieces = re.split(r"(\d+)", str(file.relative_to(folder)))
    return [(int(piece), "") if piece.isascii() and piece.isdigit() else (-1, piece) for piece in pieces]


def _decode(file: Path) -> Any:
    """Return the first frame of a picture; None if there is none, or it is too large or too small."""
    av = package("av")
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS, "pattern_type": "none"}
    try:
        with av.open(f"file:{file}", options=options, metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            frame = next(container.decode(stream))
    except (av.FFmpegError, ValueError, IndexError, StopIteration):
        return None
    fits = min(frame.width, frame.height) >= SHORTEST_SIDE and frame.width * frame.height <= MOST_PIXELS
    return frame if fits else None
