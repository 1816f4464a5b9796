"""Films that tests make: of the clips in ``../shared/data``, or of plain colours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CLIPS = Path(__file__).parents[3] / "shared" / "data" / "clips"
CLIP_FILES = {
    2: "intel_head_pose_female_male_preview.gif",
    3: "intel_face_demographics_walking_preview.gif",
    4: "intel_classroom_preview.gif",
}
Images = list[Any]  # each (height, width, 3) uint8, RGB


def clip_file(n_people: int) -> Path:
    """The clip with so many people in view all the time; the test is skipped where there is none."""
    file = CLIPS / CLIP_FILES[n_people]
    if not file.is_file():
        pytest.skip(f"there is no {file}")
    return file


def clip(n_people: int) -> Images:
    """The frames of a clip."""
    return list(_frames(clip_file(n_people)))


@lru_cache
def _frames(file: Path) -> Images:
    import av

    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


# What x264 decides by looking ahead depends on memory that nobody wrote, and so on the tests that came before.
REPEATABLE = {"crf": "18", "rc-lookahead": "0", "mbtree": "0"}


def write_film(
    path: Path,
    images: Sequence[Any],
    *,
    rate: int = 12,
    codec: str = "libx264",
    times: Sequence[int] | None = None,
    **options: str,
) -> Path:
    """Write a film, its frames at the times given in milliseconds or at a constant rate; no two are like each other."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {**REPEATABLE, **options} if codec == "libx264" else options
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for place, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[place], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def plain(n_frames: int, *, height: int = 64, width: int = 96, colour: int = 90) -> Images:
    """Frames without anybody, each told apart by a bar."""
    images = [np.full((height, width, 3), colour, np.uint8) for _ in range(n_frames)]
    for place, image in enumerate(images):
        image[:8, : 1 + place % width] = 255
    return images


def mirrored(images: Images) -> Images:
    return [image[:, ::-1] for image in images]


def beside(left: Images, right: Images) -> Images:
    """Two films on screen together, as long as the shorter."""
    return [np.concatenate(pair, axis=1) for pair in zip(left, right, strict=False)]


def blurred(images: Images, sigma: float) -> Images:
    import cv2

    return [cv2.GaussianBlur(image, (0, 0), sigma) for image in images]


def faded(images: Images, n_frames: int = 10) -> Images:
    """From black at the beginning, and to black at the end."""
    shares = np.minimum(np.arange(len(images)), np.arange(len(images))[::-1]) / n_frames
    return [(image * min(1.0, share)).astype(np.uint8) for image, share in zip(images, shares, strict=True)]


def dissolved(first: Images, second: Images, n_frames: int = 12) -> Images:
    """The end of one film turning into the beginning of another."""
    shares = (np.arange(n_frames) + 1) / (n_frames + 1)
    between = [
        (one * (1 - share) + other * share).astype(np.uint8)
        for one, other, share in zip(first[-n_frames:], second[:n_frames], shares, strict=True)
    ]
    return [*first[:-n_frames], *between, *second[n_frames:]]


def crossing_faces(images: Images) -> Images:
    """Two faces of the clip of 2 that pass in front of each other, on grey."""
    found = []
    for place, image in enumerate(images):
        share = place / (len(images) - 1)
        canvas = np.full_like(image, 145)
        for x, face in ((310 - 300 * share, image[30:200, 30:190]), (10 + 300 * share, image[20:190, 290:450])):
            canvas[60:230, int(x) : int(x) + 160] = face
        found.append(canvas)
    return found
