"""Pairs of tracks known without labels: overlaps in time, duplicate detections, files of a user."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.results import count_violated
from bcl_fast.simulate import simulate_episodes
from bcl_fast.tracks import TrackSet, automatic_pairs
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
        ({"min_overlap": 0}, r"min_overlap must be from 1 to 2\*\*62 frames, got 0"),
        ({"min_overlap": 2**63}, r"min_overlap must be from 1 to 2\*\*62 frames, got 92233"),
        ({"duplicate_iou": 1.5}, r"duplicate_iou must be in \[0, 1\], got 1.5"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        automatic_pairs(TrackSet.from_arrays([[1.0]]), **options)


def test_frames_and_overlaps_at_the_ends_of_the_integers():
    frames = [-(2**62), 2**62, -(2**62), 2**62]
    tracks = TrackSet.from_arrays(np.eye(4), [0, 2, 4], frames=frames)
    assert automatic_pairs(tracks).cannot_link.tolist() == [[0, 1]]
    assert automatic_pairs(tracks, min_overlap=2**62).cannot_link.tolist() == [[0, 1]]
    assert automatic_pairs(tracks.select([0]), min_overlap=2**62).cannot_link.tolist() == []
