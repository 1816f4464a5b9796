"""Where a shot ends: cuts by PySceneDetect, and darkness, through which nobody is followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from bcl_fast.video._frames import Frame, Image, Size
from bcl_fast.video._packages import package

_WIDTH = 192  # of the frames that are compared, in pixels
_DARK, _WHITE = 10.0, 245.0  # mean values beyond which a frame shows nothing
_CUT_SCORE = 27.0  # of the library's content detector: its own default


class ShotDetector:
    """Says of each frame, in order, whether it begins a shot.

    It knows the frame before and no more: after that one has been shown to it, it goes on as if it had seen them all.
    """

    def __init__(self) -> None:
        self._detector = _content_detector()
        self._size: Size | None = None
        self._was_blank = True

    def begins(self, frame: Frame) -> bool:
        """Whether the frame shows another shot than the one before it, or the first anything."""
        small = frame.scaled(frame.size.within(_WIDTH))
        is_new = frame.size != self._size
        if is_new:  # only frames of one size can be compared
            self._detector, self._size = _content_detector(), frame.size
        is_cut = bool(self._detector.process_frame(_timecode(frame), small[:, :, ::-1]))
        is_blank = _is_blank(small)
        begins = is_new or is_cut or is_blank != self._was_blank
        self._was_blank = is_blank
        return begins


def _content_detector() -> Any:
    detectors = package("scenedetect.detectors")
    suppress = package("scenedetect.detector").FlashFilter.Mode.SUPPRESS
    return detectors.ContentDetector(threshold=_CUT_SCORE, min_scene_len=0, filter_mode=suppress)


def _timecode(frame: Frame) -> Any:
    return package("scenedetect").FrameTimecode(frame.number, 25.0)  # it says no more than which frame it is


def _is_blank(small: Image) -> bool:
    return not _DARK <= float(np.mean(small)) <= _WHITE
