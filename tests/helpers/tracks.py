"""A small set of tracks, and what the tests of its files have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet, read_tracks

FIELDS = ("features", "offsets", "track_ids", "video_ids", "labels", "frames", "boxes", "images")


def assert_same(left: TrackSet, right: TrackSet) -> None:
    for field in FIELDS:
        one, other = getattr(left, field), getattr(right, field)
        assert (one is None) == (other is None), field
        if one is not None:
            np.testing.assert_array_equal(one, other, err_msg=field)
            assert one.dtype == other.dtype, field


def example() -> TrackSet:
    return TrackSet.from_arrays(
        np.arange(12).reshape(6, 2) / 7,
        [0, 2, 5, 6],
        track_ids=["a", "b", "a"],
        video_ids=["v", "v", "w"],
        labels=["ann", "bob", "ann"],
        frames=[1, 2, 1, 2, 3, 9],
    )


def expect(path: Path | str | list[Path], *sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_tracks(path)
    message = str(caught.value)
    assert "\n" not in message
    for part in sentence:
        assert part in message


FEATURES = np.arange(12, dtype=np.float32).reshape(6, 2)
OFFSETS = [0, 1, 4, 6]


def small(**changes: object) -> TrackSet:
    arguments: dict[str, object] = {
        "features": FEATURES,
        "offsets": OFFSETS,
        "track_ids": ["a", "b", "a"],
        "video_ids": ["v", "v", "w"],
        "labels": ["ann", "bob", "ann"],
        "frames": [7, 3, 2, 5, 0, 1],
        "boxes": np.ones((6, 4)),
        "images": ["0.jpg", "", "2.jpg", "3.jpg", "4.jpg", "5.jpg"],
        **changes,
    }
    return TrackSet.from_arrays(**arguments)  # type: ignore[arg-type]
