"""Pairs of tracks known without labels: overlaps in time, duplicate detections, files of a user."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from bcl_fast import complete_linkage
from bcl_fast.errors import InputError
from bcl_fast.results import cluster_with_pairs, count_violated
from bcl_fast.simulate import simulate_episodes
from bcl_fast.tracks import TrackPairs, TrackSet, automatic_pairs, collect_pairs, read_pairs
from bcl_fast.tracks import _pairs as pairs_module
from bcl_fast.tracks._pairs import overlapping_pairs


def overlapping_pairs_reference(spans, videos, min_overlap):
    return [
        (a, b)
        for a, b in combinations(range(len(spans)), 2)
        if videos[a] == videos[b] and min(spans[a][1], spans[b][1]) - max(spans[a][0], spans[b][0]) + 1 >= min_overlap
    ]


@given(
    spans=st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 12)), max_size=40),
    n_videos=st.integers(1, 3),
    min_overlap=st.integers(1, 6),
    seed=st.integers(0, 2**16),
)
def test_the_sweep_equals_all_pairs(spans, n_videos, min_overlap, seed):
    spans = np.array([(first, first + length) for first, length in spans], np.int64).reshape(-1, 2)
    videos = np.random.default_rng(seed).integers(0, n_videos, len(spans))
    found = overlapping_pairs(spans, videos, min_overlap)
    assert found.tolist() == [list(pair) for pair in overlapping_pairs_reference(spans, videos, min_overlap)]


def test_a_crowd_is_all_pairs_and_too_many_are_refused(monkeypatch):
    crowd = np.tile([5, 9], (300, 1))
    assert len(overlapping_pairs(crowd, np.zeros(300, np.int64))) == 300 * 299 // 2
    monkeypatch.setattr(pairs_module, "MOST_PAIRS", 44_849)
    with pytest.raises(InputError, match="44,850 pairs of tracks overlap in time, and 44,849 are the most"):
        overlapping_pairs(crowd, np.zeros(300, np.int64))


def test_a_million_tracks_are_swept():  # seconds; pair by pair it would be days
    rng = np.random.default_rng(0)
    first = rng.integers(0, 10**7, 10**6)
    spans = np.stack([first, first + rng.integers(0, 40, 10**6)], axis=1)
    found = overlapping_pairs(spans, rng.integers(0, 3, 10**6))
    assert len(found) > 10**5


def test_simulated_overlaps_are_two_people():
    tracks = simulate_episodes(2, 240, seed=3)
    pairs = automatic_pairs(tracks)
    assert len(pairs.cannot_link) > 20
    assert len(pairs.must_link) == 0
    assert count_violated(tracks.labels, pairs.cannot_link) == 0
    fewer = automatic_pairs(tracks, min_overlap=4).cannot_link
    assert 0 < len(fewer) < len(pairs.cannot_link)


def test_without_frames_there_are_no_pairs():
    tracks = replace(simulate_episodes(1, 20, n_series=1), frames=None)
    assert [len(pairs) for pairs in automatic_pairs(tracks)] == [0, 0]


# --- one face found twice


def boxed(rng: np.random.Generator, n_tracks: int) -> TrackSet:
    """Tracks of one video with few frames and boxes on a coarse grid, so that all kinds of overlap occur."""
    lengths = rng.integers(1, 6, n_tracks)
    frames = np.concatenate([rng.permutation(8)[:length] for length in lengths])
    boxes = np.stack([*rng.integers(0, 3, (2, lengths.sum())), *rng.integers(0, 4, (2, lengths.sum()))], axis=1)
    offsets = np.append(0, np.cumsum(lengths))
    return TrackSet.from_arrays(np.ones((lengths.sum(), 1)), offsets, frames=frames, boxes=boxes)


def mean_overlap_reference(tracks: TrackSet, a: int, b: int) -> float:
    def boxes_of(track: int) -> dict[int, list[float]]:
        faces = slice(*tracks.offsets[track : track + 2])
        return dict(zip(tracks.frames[faces].tolist(), tracks.boxes[faces].tolist(), strict=True))

    boxes = boxes_of(a), boxes_of(b)
    overlaps = []
    for frame in set(boxes[0]) & set(boxes[1]):
        (x, y, w, h), (u, v, s, t) = boxes[0][frame], boxes[1][frame]
        shared = max(0, min(x + w, u + s) - max(x, u)) * max(0, min(y + h, v + t) - max(y, v))
        union = w * h + s * t - shared
        overlaps.append(shared / union if union > 0 else 0.0)
    return float(np.mean(overlaps)) if overlaps else 0.0


@given(n_tracks=st.integers(1, 12), seed=st.integers(0, 2**16), limit=st.sampled_from([0.0, 0.2001, 0.4999, 0.7001]))
def test_duplicates_equal_a_plain_loop(n_tracks, seed, limit):
    # The limits, but for 0, are no mean that the grid has: there rounding would decide.
    tracks = boxed(np.random.default_rng(seed), n_tracks)
    together = automatic_pairs(tracks, duplicate_iou=None).cannot_link.tolist()
    overlaps = {(a, b): mean_overlap_reference(tracks, a, b) for a, b in together}
    expected = [list(pair) for pair, overlap in overlaps.items() if overlap <= limit]
    assert automatic_pairs(tracks, duplicate_iou=limit).cannot_link.tolist() == expected


def test_chunks_change_nothing(monkeypatch):
    tracks = boxed(np.random.default_rng(1), 60)
    whole = automatic_pairs(tracks, duplicate_iou=0.2)
    monkeypatch.setattr(pairs_module, "_CHUNK_FACES", 7)
    np.testing.assert_array_equal(automatic_pairs(tracks, duplicate_iou=0.2).cannot_link, whole.cannot_link)
    assert 0 < len(whole.cannot_link) < len(automatic_pairs(tracks).cannot_link)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_overlap": 0}, "min_overlap must be 1 frame or more, got 0"),
        ({"duplicate_iou": 1.5}, r"duplicate_iou must be in \[0, 1\], got 1.5"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        automatic_pairs(TrackSet.from_arrays([[1.0]]), **options)


# --- files


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


# --- clusters


@settings(deadline=None)
@given(n=st.integers(2, 25), seed=st.integers(0, 2**16), quantile=st.floats(0, 1), share=st.floats(0, 0.5))
def test_clusters_are_those_under_the_constraints(n, seed, quantile, share):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2))
    distances = pdist(points, "sqeuclidean")
    threshold = np.quantile(distances, quantile)
    together = np.argwhere(np.triu(squareform(distances) > threshold * rng.random() * 2, 1))
    cannot_link = together[rng.random(len(together)) < share]
    labels, violations = cluster_with_pairs(points, threshold, TrackPairs(cannot_link=cannot_link))
    wanted = complete_linkage(points, threshold, cannot_link=cannot_link).labels
    np.testing.assert_array_equal(labels, wanted)
    plain = complete_linkage(points, threshold).labels
    assert violations == (len(cannot_link), count_violated(plain, cannot_link), 0)
