"""Sets of tracks put together: nothing is lost, and what does not fit is named."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.tracks import concatenate
from tests.helpers.tracks import FEATURES, small


def test_concatenate_keeps_order_and_everything() -> None:
    other = small(video_ids=["x", "y", "z"])
    both = concatenate([other, small()])
    assert both.videos == ["x", "y", "z", "v", "w"]
    assert both.offsets.tolist() == [0, 1, 4, 6, 7, 10, 12]
    np.testing.assert_array_equal(both.features, np.concatenate([FEATURES, FEATURES]))
    back = both.select([3, 4, 5])
    np.testing.assert_array_equal(back.boxes, small().boxes)
    np.testing.assert_array_equal(back.frames, small().frames)
    np.testing.assert_array_equal(back.images, small().images)
    np.testing.assert_array_equal(back.labels, small().labels)


def test_concatenate_of_one_is_itself() -> None:
    tracks = small()
    assert concatenate([tracks]) is tracks


def test_concatenate_says_what_it_leaves_out() -> None:
    with pytest.warns(UserWarning, match="boxes are left out: 1 of 2 sets of tracks have none"):
        both = concatenate([small(), small(video_ids="x", track_ids=None, boxes=None)])
    assert both.boxes is None
    assert both.frames is not None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"features": np.zeros((6, 5))}, "all tracks must have the same number of features, got 2 in one and 5 in two"),
        (
            {"track_ids": ["c", "b", "d"]},
            "(video, track) must be unique, got track 'b' of video 'v' in both one and two",
        ),
    ],
)
def test_concatenate_refuses(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        concatenate([small(), small(**changes)], names=["one", "two"])


def test_concatenate_of_nothing() -> None:
    with pytest.raises(InputError, match="at least one set of tracks is wanted, got none"):
        concatenate([])
