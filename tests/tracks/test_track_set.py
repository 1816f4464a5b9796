"""TrackSet: what it holds, what it refuses, and how its fast paths compare with slow loops."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._names import first_duplicate
from tests.helpers.tracks import FEATURES, small


def ragged(seed: int, n_tracks: int, most: int = 7, dim: int = 3) -> TrackSet:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, most + 1, n_tracks)
    features = rng.standard_normal((counts.sum(), dim)).astype(np.float32)
    return TrackSet.from_arrays(features, np.append(0, np.cumsum(counts)), frames=rng.integers(0, 99, counts.sum()))


def test_properties() -> None:
    tracks = small()
    assert (tracks.n_tracks, tracks.n_faces, tracks.n_features, len(tracks)) == (3, 6, 2, 3)
    assert tracks.videos == ["v", "w"]
    assert tracks.features.dtype == np.float32
    assert tracks.offsets.dtype == np.int64
    assert repr(tracks) == "TrackSet(3 tracks, 6 faces, 2 features, 2 videos, 2 identities)"
    assert repr(small(labels=None)).endswith("no labels)")


def test_float32_features_are_not_copied() -> None:
    assert np.shares_memory(small().features, FEATURES)


def test_other_number_types_become_float32() -> None:
    for features in (
        FEATURES.astype(np.float16),
        FEATURES.astype(np.float64),
        FEATURES.astype(np.int16),
        FEATURES.T.copy().T,
    ):
        np.testing.assert_array_equal(small(features=features).features, FEATURES)
        assert small(features=features).features.flags.c_contiguous


def test_defaults_are_tracks_of_one_face() -> None:
    tracks = TrackSet.from_arrays(FEATURES)
    assert tracks.track_ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert set(tracks.video_ids) == {"video"}
    np.testing.assert_array_equal(tracks.mean_features(), FEATURES)
    assert tracks.labels is tracks.frames is tracks.boxes is tracks.images is None


def test_whole_numbers_become_names() -> None:
    tracks = small(track_ids=np.array([5, 10, 5]), labels=np.array([2, 0, 2]))
    assert tracks.track_ids.tolist() == ["5", "10", "5"]
    assert tracks.labels is not None
    assert tracks.labels.tolist() == ["2", "0", "2"]
    assert small(track_ids=[b"x", b"y", b"z"]).track_ids.tolist() == ["x", "y", "z"]


@pytest.mark.parametrize("labels", [["", "", ""], [None, None, None], [None, "", float("nan")]])
def test_no_labels_at_all_are_none(labels: list[object]) -> None:
    assert small(labels=labels).labels is None


def test_label_codes_count_by_first_appearance() -> None:
    codes, names = small(labels=["zoe", "ann", "zoe"]).label_codes()
    assert codes.tolist() == [0, 1, 0]
    assert codes.dtype == np.int64
    assert names.tolist() == ["zoe", "ann"]


def test_label_codes_need_labels() -> None:
    with pytest.raises(InputError, match="the tracks must have labels, got 3 tracks without"):
        small(labels=None).label_codes()


def test_frame_spans() -> None:
    spans = small().frame_spans()
    assert spans is not None
    assert spans.tolist() == [[7, 7], [2, 5], [0, 1]]
    assert small(frames=None).frame_spans() is None


def test_mean_of_a_track_of_one_face_is_a_copy() -> None:
    tracks = TrackSet.from_arrays(FEATURES)
    tracks.mean_features()[:] = 0
    assert FEATURES[0, 1] == 1


def test_mean_of_huge_values_does_not_overflow() -> None:
    tracks = TrackSet.from_arrays(np.full((4, 1), 3e38, np.float32), [0, 4])
    np.testing.assert_allclose(tracks.mean_features(), [[3e38]], rtol=1e-6)


@given(seed=st.integers(0, 2**16), n_tracks=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_means_equal_a_loop(seed: int, n_tracks: int) -> None:
    tracks = ragged(seed, n_tracks)
    slow = [tracks.features[a:b].mean(axis=0) for a, b in zip(tracks.offsets[:-1], tracks.offsets[1:], strict=True)]
    assert tracks.mean_features().dtype == np.float32
    np.testing.assert_allclose(tracks.mean_features(), slow, rtol=1e-5, atol=1e-6)
    spans = tracks.frame_spans()
    assert spans is not None
    assert tracks.frames is not None
    for track, (first, last) in enumerate(spans):
        frames = tracks.frames[tracks.offsets[track] : tracks.offsets[track + 1]]
        assert (first, last) == (frames.min(), frames.max())


@given(seed=st.integers(0, 2**16), n_tracks=st.integers(1, 20), n_wanted=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_sampled_faces_are_faces_of_the_track(seed: int, n_tracks: int, n_wanted: int) -> None:
    tracks = ragged(seed, n_tracks)
    wanted = np.random.default_rng(seed).integers(0, n_tracks, n_wanted)
    faces = tracks.sample_faces(np.random.default_rng(seed), wanted)
    assert faces.shape == (n_wanted, tracks.n_features)
    for track, face in zip(wanted, faces, strict=True):
        assert (tracks.features[tracks.offsets[track] : tracks.offsets[track + 1]] == face).all(axis=1).any()


def test_sampled_faces_are_uniform_and_repeat_with_the_seed() -> None:
    tracks = TrackSet.from_arrays(np.arange(8.0)[:, None], [0, 1, 4, 8])
    drawn = tracks.sample_faces(np.random.default_rng(0), np.repeat([1, 2], 12_000))[:, 0]
    counts = np.bincount(drawn.astype(int), minlength=8)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:4], 4000, rtol=0.06)
    np.testing.assert_allclose(counts[4:], 3000, rtol=0.06)
    again = tracks.sample_faces(np.random.default_rng(3)), tracks.sample_faces(np.random.default_rng(3))
    np.testing.assert_array_equal(*again)
    assert again[0].shape == (3, 1)
    assert again[0][0] == 0


def test_select_by_mask_and_by_number() -> None:
    tracks = small()
    for wanted in ([0, 2], [True, False, True], np.array([0, -1])):
        chosen = tracks.select(wanted)
        assert chosen.track_ids.tolist() == ["a", "a"]
        assert chosen.video_ids.tolist() == ["v", "w"]
        assert chosen.offsets.tolist() == [0, 1, 3]
        np.testing.assert_array_equal(chosen.features, FEATURES[[0, 4, 5]])
        assert chosen.frames is not None
        assert chosen.images is not None
        assert chosen.boxes is not None
        assert chosen.frames.tolist() == [7, 0, 1]
        assert chosen.images.tolist() == ["0.jpg", "4.jpg", "5.jpg"]
        assert chosen.boxes.shape == (3, 4)


def test_select_of_adjacent_tracks_shares_memory() -> None:
    chosen = small().select([1, 2])
    assert np.shares_memory(chosen.features, FEATURES)
    np.testing.assert_array_equal(chosen.features, FEATURES[1:])
    assert chosen.offsets.tolist() == [0, 3, 5]


def test_select_of_nothing() -> None:
    for nothing in ([], [False] * 3):
        empty = small().select(nothing)
        assert (empty.n_tracks, empty.n_faces, empty.n_features, empty.videos) == (0, 0, 2, [])
        assert empty.mean_features().shape == empty.sample_faces(np.random.default_rng()).shape == (0, 2)
        spans = empty.frame_spans()
        assert spans is not None
        assert spans.shape == (0, 2)


@given(seed=st.integers(0, 2**16), n_tracks=st.integers(1, 12), data=st.data())
@settings(max_examples=30, deadline=None)
def test_select_equals_a_loop(seed: int, n_tracks: int, data: st.DataObject) -> None:
    tracks = ragged(seed, n_tracks)
    wanted = data.draw(st.permutations(range(n_tracks)))[: data.draw(st.integers(1, n_tracks))]
    chosen = tracks.select(wanted)
    assert chosen.track_ids.tolist() == [str(track) for track in wanted]
    for place, track in enumerate(wanted):
        np.testing.assert_array_equal(
            chosen.features[chosen.offsets[place] : chosen.offsets[place + 1]],
            tracks.features[tracks.offsets[track] : tracks.offsets[track + 1]],
        )


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ([True], "a mask of tracks must have shape (3,), got (1,)"),
        ([1, 1], "tracks must not repeat, got track 1 twice"),
        ([0.5], "tracks must be 1-D whole numbers or a mask, got float64 of shape (1,)"),
    ],
)
def test_select_refuses(wanted: list[object], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        small().select(wanted)  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        small().select([3])


def with_bad(value: float, row: int) -> np.ndarray:
    features = FEATURES.astype(np.float64)
    features[row, 1] = value
    return features


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"features": np.zeros(3)}, "features must be 2-D (n_faces, n_features), got shape (3,)"),
        ({"features": np.zeros((2, 3, 4))}, "features must be 2-D (n_faces, n_features), got shape (2, 3, 4)"),
        ({"features": np.zeros((0, 4))}, "at least one face and one number per face, got shape (0, 4)"),
        ({"features": np.zeros((4, 0))}, "at least one face and one number per face, got shape (4, 0)"),
        ({"features": np.array([["x"]])}, "features must be numbers, got <U1"),
        (
            {"features": with_bad(np.nan, 3)},
            "features must be finite in float32, got nan in face row 2 (frame 5) of track 'b' of video 'v'",
        ),
        ({"features": with_bad(-np.inf, 4), "frames": None}, "got -inf in face row 0 of track 'a' of video 'w'"),
        ({"features": with_bad(1e300, 0)}, "got inf in face row 0 (frame 7) of track 'a' of video 'v'"),
        ({"offsets": [0, 1, 4, 7]}, "offsets must run from 0 to the number of faces (6), got 0 to 7"),
        ({"offsets": [1, 2, 4, 6]}, "offsets must run from 0 to the number of faces (6), got 1 to 6"),
        ({"offsets": [0, 4, 4, 6]}, "every track must have at least one face, got 4 to 4 for track 1"),
        ({"offsets": [0, 4, 3, 6]}, "every track must have at least one face, got 4 to 3 for track 1"),
        ({"offsets": [0.0, 6.0]}, "offsets must be 1-D (n_tracks + 1,) whole numbers, got float64 of shape (2,)"),
        ({"offsets": [0]}, "offsets must be 1-D (n_tracks + 1,) whole numbers, got int64 of shape (1,)"),
        ({"track_ids": ["a", "b"]}, "track_id must have one value per track (3), got 2"),
        ({"track_ids": ["a", "a", "a"]}, "(video, track) must be unique, got track 'a' of video 'v' twice"),
        ({"track_ids": ["a", "", "c"]}, "track_id must be given for every track, got none for track 1"),
        ({"track_ids": [0.5, 1.5, 2.5]}, "track_id must be text or whole numbers, got 0.5"),
        ({"track_ids": ["a", True, None]}, "track_id must be text or whole numbers, got True"),
        ({"track_ids": [["a"], ["b"], ["c"]]}, "track_id must be 1-D, got shape (3, 1)"),
        ({"track_ids": [b"\xff", b"b", b"c"]}, "track_id must be UTF-8 text, got b'\\xff' (invalid start byte)"),
        ({"video_ids": ["v", "w"]}, "video_id must have one value per track (3), got 2"),
        ({"video_ids": ["v", None, "w"]}, "video_id must be given for every track, got none for track 1"),
        ({"labels": ["x"] * 6}, "label must have one value per track (3), got 6"),
        ({"frames": [1, 2]}, "frame must have one number per face (6), got shape (2,)"),
        ({"frames": [0, 1, 2, 3.5, 4, 5]}, "frame must be a whole number, got 3.5 in row 3"),
        ({"frames": [0, 1, np.nan, 3, 4, 5]}, "frame must be a whole number, got nan in row 2"),
        ({"frames": list("abcdef")}, "frame must be whole numbers, got <U1"),
        ({"boxes": np.ones((6, 3))}, "boxes must be numbers x, y, w, h per face (6, 4), got float64 of shape (6, 3)"),
        ({"boxes": np.full((6, 4), np.nan)}, "boxes must be finite, got nan in row 0"),
        ({"images": ["a.jpg"]}, "image must have one value per face (6), got 1"),
    ],
)
def test_bad_arrays_get_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        small(**changes)


def test_whole_floating_frames_pass() -> None:
    frames = small(frames=np.arange(6.0)).frames
    assert frames is not None
    assert frames.tolist() == [0, 1, 2, 3, 4, 5]
    assert frames.dtype == np.int64


def test_first_duplicate_is_found() -> None:
    videos, tracks = np.array(["v", "w", "v", "w", "v"]), np.array(["1", "1", "2", "1", "2"])
    assert first_duplicate(videos, tracks) == (3, 1)
    assert first_duplicate(videos[:3], tracks[:3]) is None


def test_import_stays_light() -> None:
    heavy = ["torch", "pyarrow", "sklearn", "matplotlib"]
    code = f"import sys, bcl_fast.tracks._io; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
