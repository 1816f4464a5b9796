"""The frames of a film or of a folder of pictures, one after the other, with their numbers and times.

What a film claims about itself is bounded before anything is allocated; what of it cannot be decoded is left out
and counted, and never ends the process. A film is opened as a plain file of a known kind: no
play lists, no other protocols.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast.video._packages import package

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB

MOST_PIXELS = 1 << 26  # of a picture: 8192 x 8192
LONGEST_SECONDS = 1000 * 3600.0
SHORTEST_SIDE = 16
_WIDEST_PICTURE = 2560  # pixels: what is cut out of larger ones is not worth the memory


class Size(NamedTuple):
    """Width and height of a frame as it is shown, in pixels."""

    width: int
    height: int

    def within(self, max_width: int) -> Size:
        """Return the size that keeps the proportions and is at most so wide."""
        if self.width <= max_width:
            return self
        return Size(max_width, max(1, round(self.height * max_width / self.width)))


@dataclass(frozen=True)
class Position:
    """A frame, at which a film is taken up.

    Attributes
    ----------
    number : int
        Its place in the film, from 0.
    pts : int
        Its time stamp in the film's own units; -1 where it has none.
    """

    number: int = 0
    pts: int = -1


class Converters(threading.local):
    """Makes RGB pictures of frames; what it prepares for a size is kept for the next frame of that size.

    Each thread has its own: the library's must not be used by two at once.
    """

    def __init__(self) -> None:
        self._made: dict[Size | None, Any] = {}

    def convert(self, decoded: Any, size: Size | None) -> Any:
        """Return the decoded frame in a size, or in its own, as an array (height, width, 3)."""
        if size not in self._made:
            self._made[size] = package("av.video.reformatter").VideoReformatter()
        shape = {} if size is None else {"width": size.width, "height": size.height, "interpolation": "AREA"}
        return self._made[size].reformat(decoded, format="rgb24", **shape).to_ndarray()


class Frame:
    """A frame as it was decoded; pictures of it are made when they are asked for.

    Attributes
    ----------
    number : int
        Its place in the film, from 0.
    pts : int
        Its time stamp in the film's own units, -1 where it has none.
    seconds : float
        Its time from the film's start; 0 for a picture.
    """

    def __init__(self, decoded: Any, number: int, seconds: float, converters: Converters) -> None:
        self._decoded, self._converters = decoded, converters
        self._turns = round(decoded.rotation / 90) % 4
        self.number, self.seconds = number, seconds
        self.pts = -1 if decoded.pts is None else int(decoded.pts)

    @property
    def size(self) -> Size:
        """Width and height as the frame is shown, turned upright."""
        size = Size(self._decoded.width, self._decoded.height)
        return Size(size.height, size.width) if self._turns % 2 else size

    def scaled(self, size: Size) -> Image:
        """Return the frame in another size, RGB, turned upright."""
        return self._upright(Size(size.height, size.width) if self._turns % 2 else size)

    @cached_property
    def picture(self) -> Image:
        """The frame as it is, or 2,560 pixels wide where it is wider, RGB, turned upright."""
        size = self.size.within(_WIDEST_PICTURE)
        return self._upright(None) if size == self.size else self.scaled(size)

    def _upright(self, size: Size | None) -> Image:
        return np.ascontiguousarray(np.rot90(self._converters.convert(self._decoded, size), self._turns))


class Source:
    """A film or a folder of pictures, whose frames are read in order.

    Attributes
    ----------
    path : Path
    rate : float
        Frames per second; 0 for pictures.
    n_frames : int or None
        Their number, as far as the film says it.
    n_damaged : int
        Packets that could not be decoded so far, or pictures.
    is_film : bool
        False for pictures, each of which is a shot of its own.
    """

    path: Path
    rate: float = 0.0
    n_frames: int | None = None
    n_damaged: int = 0
    is_film: bool = True

    def frames(self, position: Position, start_seconds: float = 0.0) -> Iterator[Frame]:
        """Read frames, beginning with that of a position, or with the first of a film's time."""
        raise NotImplementedError


def open_source(path: Path, *, sequence: bool = False) -> Source:
    """Open a film, a picture or a folder of pictures.

    Raises
    ------
    InputError
        If it is none, has no pictures (audio), is encrypted, or claims sizes or a length that nothing is allocated for.
    """
    from bcl_fast.video._film import Film
    from bcl_fast.video._pictures import Pictures, is_picture

    if path.is_dir():
        return Pictures.of_folder(path, sequence=sequence)
    return Pictures(path, [path]) if is_picture(path) else Film(path)
