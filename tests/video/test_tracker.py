"""Association: who is followed, through what, and where a track ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.video._faces import Faces, intersection_over_union
from bcl_fast.video._kalman import Motion
from bcl_fast.video._quality import frontality
from bcl_fast.video._tracker import Tracker, crossing
from bcl_fast.video._tracks_of_parts import gather
from bcl_fast.video._work_folder import _write_rows


def faces(*boxes: tuple[float, float], side: float = 40, scores: tuple[float, ...] | None = None) -> Faces:
    corners = np.array(boxes, np.float32).reshape(-1, 2)
    whole = np.concatenate([corners, np.full_like(corners, side)], axis=1)
    found = np.full(len(corners), 0.9, np.float32) if scores is None else np.array(scores, np.float32)
    return Faces(whole, np.zeros((len(corners), 5, 2), np.float32), found)


def follow(*looks: Faces, step: int = 2, patience: int = 10) -> list[list[int]]:
    tracker = Tracker(0.6, patience)
    return [tracker.follow(look, step * number).tolist() for number, look in enumerate(looks)]


def test_two_people_who_cross_keep_their_tracks() -> None:
    looks = [faces((10 + 6 * t, 50), (190 - 6 * t, 55)) for t in range(31)]
    assert follow(*looks) == [[0, 1]] * 31


def test_the_order_of_faces_says_nothing() -> None:
    looks = [faces((10, 50), (190, 55)), faces((190, 55), (10, 50))]
    assert follow(*looks) == [[0, 1], [1, 0]]


def test_a_face_that_is_gone_for_a_while_is_the_same() -> None:
    looks = [faces((50, 50))] * 3 + [faces()] * 4 + [faces((52, 50))]
    assert follow(*looks)[-1] == [0]
    assert follow(*looks, patience=6)[-1] == [1]


def test_a_face_of_a_low_score_goes_on_and_never_begins() -> None:
    looks = [faces((50, 50)), faces((50, 50), scores=(0.4,)), faces((150, 50), scores=(0.5,)), faces((50, 50))]
    assert follow(*looks) == [[0], [0], [-1], [0]]


def test_after_a_cut_everybody_is_new() -> None:
    tracker = Tracker(0.6, 10)
    assert tracker.follow(faces((50, 50)), 0).tolist() == [0]
    tracker.end_shot()
    assert tracker.alive().tolist() == []
    assert tracker.follow(faces((50, 50)), 1).tolist() == [1]


@given(seed=st.integers(0, 2**16), cut=st.integers(1, 18))
def test_taken_up_a_tracker_goes_on_as_if_it_had_never_stopped(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    looks = [faces(*rng.uniform(0, 100, (int(rng.integers(0, 4)), 2)).tolist()) for _ in range(20)]
    whole, first, second = Tracker(0.6, 10), Tracker(0.6, 10), Tracker(0.6, 10)
    expected = [whole.follow(look, 2 * number).tolist() for number, look in enumerate(looks)]
    found = [first.follow(look, 2 * number).tolist() for number, look in enumerate(looks[:cut])]
    second.restore(first.state())
    found += [second.follow(look, 2 * number).tolist() for number, look in enumerate(looks[cut:], start=cut)]
    assert found == expected


def test_motion_is_learned_and_carried_on() -> None:
    motion = Motion.at(np.array([[0, 0, 40, 40]], np.float32))
    for step in range(1, 15):
        motion = motion.after(2).seen_at(np.array([[6 * step, 0, 40, 40]], np.float32))
    np.testing.assert_allclose(motion.after(10).boxes, [[6 * 14 + 30, 0, 40, 40]], atol=2)


def test_crossing_is_of_boxes_that_touch() -> None:
    assert crossing(faces((0, 0), (20, 0), (200, 0)).boxes).tolist() == [True, True, False]
    assert crossing(faces().boxes).tolist() == []


def test_overlaps() -> None:
    boxes = faces((0, 0), (20, 0), (200, 0)).boxes
    np.testing.assert_allclose(intersection_over_union(boxes[:1], boxes), [[1, 800 / 2400, 0]])
    empty = np.zeros((1, 4), np.float32)
    assert intersection_over_union(empty, empty).tolist() == [[0.0]]


def test_who_looks_into_the_camera_is_rated_higher() -> None:
    straight = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
    aside = straight + np.array([[0, 0], [0, 0], [18, 0], [0, 0], [0, 0]], np.float32)
    found = frontality(Faces(np.zeros((2, 4), np.float32), np.stack([straight, aside]), np.ones(2, np.float32)))
    assert found[0] > 0.9 > 0.5 > found[1] > 0


def part(path: Path, segments: list[tuple[int, int, bool, list[float]]]) -> Path:
    """Write a part: for each segment (track, number, fresh, embedding) two rows."""
    rows: list[dict[str, Any]] = []
    for place, (track, segment, is_fresh, embedding) in enumerate(segments):
        row: dict[str, Any] = {"track": track, "segment": segment, "seconds": 0.0, **dict.fromkeys("xywh", 1.0)}
        best = {**row, "frame": 2 * place, "score": 0.9, "quality": 0.5, "is_fresh": is_fresh, "image": "i"}
        rows += [{**best, "embedding": np.array(embedding, np.float32)}, {**row, "frame": 2 * place + 1}]
    _write_rows(rows, path)
    return path


A, B, NEAR = [1.0, 0.0], [0.0, 2.0], [1.0, 0.5]  # squared distances of 2 and .21 on the unit circle


@pytest.mark.parametrize(
    ("segments", "tracks"),
    [
        ([(0, 0, False, A), (0, 1, False, A)], [1, 1]),
        ([(0, 0, False, A), (0, 1, True, B)], [1, 2]),  # somebody else came back
        ([(0, 0, False, A), (0, 1, True, NEAR)], [1, 2]),
        ([(0, 0, False, A), (0, 1, False, NEAR)], [1, 1]),  # who was followed all the time may look another way
        ([(0, 0, False, A), (0, 1, False, B)], [1, 2]),  # one shot faded into another
        ([(1, 0, False, A), (0, 0, False, A), (0, 1, True, B), (1, 1, False, A)], [2, 3, 1, 1]),
    ],
)
def test_a_track_of_two_people_is_cut(tmp_path: Path, segments: Any, tracks: list[int]) -> None:
    parts = [part(tmp_path / "0.parquet", segments[:1]), part(tmp_path / "1.parquet", segments[1:])]
    found = gather(parts, 2, 2, 0.15, tmp_path / "embeddings.npy")
    assert found.tracks.tolist() == tracks
    whole = gather(parts, 2, 2, None, tmp_path / "embeddings.npy")
    assert len(set(whole.tracks.tolist())) == len({track for track, *_ in segments})


def test_tracks_that_are_too_short_are_left_out(tmp_path: Path) -> None:
    parts = [part(tmp_path / "0.parquet", [(0, 0, False, A), (1, 0, False, B), (1, 1, False, B)])]
    found = gather(parts, 2, 3, 0.15, tmp_path / "embeddings.npy")
    assert (found.tracks.tolist(), found.n_tracks, found.n_left_out) == ([0, 1, 1], 1, 1)
    assert gather([], 2, 3, 0.15, tmp_path / "none.npy").n_tracks == 0
