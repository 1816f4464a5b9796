"""What a user may choose about an extraction; costs nothing to import, for the command line shows the defaults."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bcl_fast._utils.checks import real_number, whole_at_least
from bcl_fast.errors import InputError

SHORTEST_WIDTH = 64  # of a picture that faces are looked for in


@dataclass(frozen=True)
class ExtractionOptions:
    """How films are looked at.

    Attributes
    ----------
    start_seconds, stop_seconds : float
        The part of each film that is looked at, a half-open range; pictures have no time and are all looked at.
    stride : int
        Faces are looked for in every ``stride``-th frame of a shot; between two of them they are tracked.
    max_width : int
        Wider frames are made so wide before faces are looked for, in pixels. Faces are cut out of the frames as they
        are, up to a width of 2,560.
    min_face : float
        Smaller faces are left out: the shorter side of their box, in pixels of the film.
    min_score : float
        Least score, in (0, 1), of a face that begins a track; an existing one goes on with faces of half of it.
    min_frames : int
        Shorter tracks of a film are left out; those of pictures never.
    detector : str
        ``"yunet"``, or a file of another network of its family.
    recognizer : str
        ``"dlib"``, a file ``NAME.onnx``, or ``vggface2:FILE``.
    sequence : bool
        Whether the pictures of a folder are the frames of a film; else each is a shot of its own.

    Examples
    --------
    >>> from bcl_fast.video import ExtractionOptions
    >>> ExtractionOptions(start_seconds=60, stride=3).recognizer
    'dlib'
    """

    start_seconds: float = 0.0
    stop_seconds: float = float("inf")
    stride: int = 2
    max_width: int = 960
    min_face: float = 10.0
    min_score: float = 0.6
    min_frames: int = 5
    detector: str = "yunet"
    recognizer: str = "dlib"
    sequence: bool = False

    def check(self) -> None:
        """Check that every option is in its range.

        Raises
        ------
        InputError
            If one is not.
        """
        for name, least in (("stride", 1), ("max_width", SHORTEST_WIDTH), ("min_frames", 1)):
            whole_at_least(name, getattr(self, name), least)
        start = real_number("start_seconds", self.start_seconds)
        if not 0 <= start < real_number("stop_seconds", self.stop_seconds):
            raise InputError(
                f"the part of a film must begin before it ends, got {start} to {self.stop_seconds} seconds"
            )
        if not real_number("min_face", self.min_face) >= 0:
            raise InputError(f"min_face must be 0 pixels or more, got {self.min_face}")
        if not 0 < real_number("min_score", self.min_score) < 1:
            raise InputError(f"min_score must be between 0 and 1, got {self.min_score}")

    def as_dict(self) -> dict[str, Any]:
        """Return the options by name, plain values."""
        return asdict(self)
