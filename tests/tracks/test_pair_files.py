"""Files of pairs, and pairs of several sources put together."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackPairs, TrackSet, collect_pairs, read_pairs


def two_videos() -> TrackSet:
    return TrackSet.from_arrays(
        np.ones((5, 1)),
        track_ids=["a", "b", "c", "a", "d"],
        video_ids=["v", "v", "v", "w", "w"],
        frames=[1, 1, 7, 1, 1],
    )


def saved(folder, text: str):
    (folder / "pairs.csv").write_text(text)
    return folder / "pairs.csv"


@pytest.mark.parametrize(
    "text",
    [
        "track_a,track_b,link\nb,c,must\nb,d,cannot\n",
        "b,c,must\nb,d,cannot\n",
        "b, c, must\n\n b, d, cannot\n",
        "link,track_b,track_a\nmust,c,b\ncannot,d,b\n",
        "video_a,track_a,video_b,track_b,kind\nv,b,v,c,must\nv,b,w,d,cannot\n",
        "\ufefftrack_a,track_b,link\r\nb,c,must\r\nb,d,cannot\r\n",
    ],
)
def test_files_of_pairs(tmp_path, text):
    pairs = read_pairs(saved(tmp_path, text), two_videos())
    assert (pairs.must_link.tolist(), pairs.cannot_link.tolist()) == ([[1, 2]], [[1, 4]])


def test_videos_tell_tracks_of_one_name_apart(tmp_path):
    file = saved(tmp_path, "track_a,track_b,link,video_a,video_b\na,a,must,v,w\n")
    assert read_pairs(file, two_videos()).must_link.tolist() == [[0, 3]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the columns track_a,track_b,link and, .*, got nothing"),
        ("a,b\n", "must have the columns .*, got a,b"),
        ("track_a,track_b,link,video_a\n", "must have the columns"),
        ("b,c,must\nb,c\n", "line 2 of .* must have 3 columns, got 2"),
        ("b,c,must\nb,c,same\n", "line 2 of .* must say must or cannot, got 'same'"),
        ("b,x,must\n", "line 1 of .* names the track 'x', which is not among the tracks"),
        ("a,b,must\n", "names the track 'a', which is in 2 videos, say in columns video_a and video_b which"),
        ("track_a,track_b,link,video_a,video_b\na,d,must,v,v\n", "line 2 of .* names track 'd' of video 'v', which"),
        ("b,b,cannot\n", "line 1 of .* must name two tracks, got 'b' twice"),
    ],
)
def test_bad_files_of_pairs(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_pairs(saved(tmp_path, text), two_videos())


def test_missing_files_and_bytes_that_are_not_text(tmp_path):
    with pytest.raises(InputError, match=r"the file of pairs .*none.csv does not exist"):
        read_pairs(tmp_path / "none.csv", two_videos())
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="must be CSV in UTF-8"):
        read_pairs(tmp_path / "bytes.csv", two_videos())


def test_sources_put_together(tmp_path):
    tracks = two_videos()
    assert [len(pairs) for pairs in collect_pairs(tracks, ["none"])] == [0, 0]
    assert collect_pairs(tracks, ["auto"]).cannot_link.tolist() == [[0, 1], [3, 4]]
    file = str(saved(tmp_path, "d,c,cannot\nc,d,cannot\nb,c,must\n"))
    both = collect_pairs(tracks, ["auto", file])
    assert (both.must_link.tolist(), both.cannot_link.tolist()) == ([[1, 2]], [[0, 1], [2, 4], [3, 4]])
    with pytest.raises(InputError, match="constraints must be none alone, or sources of pairs, got none and auto"):
        collect_pairs(tracks, ["none", "auto"])


def test_what_a_user_says_goes_before_the_frames(tmp_path):
    file = str(saved(tmp_path, "track_a,track_b,link,video_a,video_b\na,c,must,v,v\nc,b,must,v,v\n"))
    with pytest.warns(UserWarning, match="1 pairs of tracks overlap in time though the files say"):
        pairs = collect_pairs(two_videos(), ["auto", file])
    assert pairs.cannot_link.tolist() == [[3, 4]]


def test_files_that_contradict_each_other_name_the_pair(tmp_path):
    file = str(saved(tmp_path, "b,c,must\nc,d,must\nd,b,cannot\n"))
    with pytest.raises(
        InputError, match="the files say cannot of track 'd' of video 'w' and track 'b' of video 'v', but"
    ):
        collect_pairs(two_videos(), [file])


def test_pairs_among_some_tracks():
    pairs = TrackPairs(np.array([[0, 4]]), np.array([[1, 2], [2, 4], [0, 3]]))
    part = pairs.among(np.array([4, 2, 0]), 5)
    assert (part.must_link.tolist(), part.cannot_link.tolist()) == ([[2, 0]], [[1, 0]])
