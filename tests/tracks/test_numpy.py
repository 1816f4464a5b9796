"""Reading and writing tracks: round trips, the order of rows, and a sentence for every bad file."""

from __future__ import annotations

import io
import pickle
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast._utils.codes import categories
from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet, read_tracks, write_tracks
from bcl_fast.tracks._rows import group_rows
from tests.helpers.tracks import assert_same, example, expect


@st.composite
def track_sets(draw: st.DrawFn) -> TrackSet:
    """Ragged tracks with frames in order within a track, as every reader returns them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    counts = np.array(draw(st.lists(st.integers(1, 5), min_size=1, max_size=8)))
    n_tracks, n_faces = len(counts), int(counts.sum())
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=4)
    return TrackSet.from_arrays(
        rng.standard_normal((n_faces, draw(st.integers(1, 5)))).astype(np.float32),
        np.append(0, np.cumsum(counts)),
        track_ids=draw(st.lists(text, min_size=n_tracks, max_size=n_tracks, unique=True)),
        video_ids=draw(st.lists(text, min_size=n_tracks, max_size=n_tracks)),
        labels=draw(st.none() | st.lists(text, min_size=n_tracks, max_size=n_tracks)),
        frames=np.arange(n_faces) * 2 if draw(st.booleans()) else None,
        boxes=rng.random((n_faces, 4)) if draw(st.booleans()) else None,
        images=draw(st.none() | st.lists(text | st.just(""), min_size=n_faces, max_size=n_faces)),
    )


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "movie.npz"
    np.savez(path, **arrays)
    return path


# Round trips


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_round_trip(suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("round trip") / f"tracks{suffix}"

    @given(track_sets())
    @settings(max_examples=25, deadline=None)
    def check(tracks: TrackSet) -> None:
        write_tracks(tracks, path, force=True)
        assert_same(read_tracks(path), tracks)

    check()


def test_round_trip_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.TextIOWrapper(io.BytesIO())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", written)
        write_tracks(example(), "-")
    written.seek(0)
    monkeypatch.setattr(sys, "stdin", written)
    assert_same(read_tracks("-"), example())


def test_writing_refuses(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=re.escape("ends in .parquet or .npz, or '-' (Parquet on standard output), got")
    ):
        write_tracks(example(), tmp_path / "t.csv")
    write_tracks(example(), tmp_path / "t.npz")
    with pytest.raises(InputError, match="exists already"):
        write_tracks(example(), tmp_path / "t.npz")
    write_tracks(example(), tmp_path / "t.npz", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["t.npz"]


# Rows in any order


@given(seed=st.integers(0, 2**16), n_rows=st.integers(1, 60), with_frames=st.booleans())
@settings(max_examples=40, deadline=None)
def test_grouping_equals_a_loop(seed: int, n_rows: int, with_frames: bool) -> None:
    rng = np.random.default_rng(seed)
    videos, tracks = rng.integers(0, 3, n_rows).astype(str), rng.integers(0, 4, n_rows).astype(str)
    frames = rng.integers(0, 5, n_rows) if with_frames else None
    rows: dict[tuple[str, str], list[int]] = {}
    for row in range(n_rows):
        rows.setdefault((videos[row], tracks[row]), []).append(row)
    if frames is not None:
        rows = {key: sorted(values, key=lambda row: frames[row]) for key, values in rows.items()}
    grouping = group_rows(categories(videos), categories(tracks), frames)
    order = np.arange(n_rows) if grouping.order is None else grouping.order
    assert list(zip(grouping.video_ids, grouping.track_ids, strict=True)) == list(rows)
    assert [order[a:b].tolist() for a, b in zip(grouping.offsets[:-1], grouping.offsets[1:], strict=True)] == list(
        rows.values()
    )


# Plain arrays


def test_npy_is_mapped_and_read_as_tracks_of_one_face(tmp_path: Path) -> None:
    np.save(tmp_path / "movie.npy", example().features)
    tracks = read_tracks(tmp_path / "movie.npy")
    assert tracks.track_ids.tolist() == ["0", "1", "2", "3", "4", "5"]
    assert tracks.videos == ["movie"]
    assert isinstance(tracks.features.base, np.memmap) or isinstance(tracks.features, np.memmap)
    np.testing.assert_array_equal(tracks.mean_features(), example().features)


@pytest.mark.parametrize("name", ["features", "embedding", "embeddings"])
def test_npz_with_embeddings_and_labels_only(tmp_path: Path, name: str) -> None:
    source = np.array([{"not": "read"}], dtype=object)
    tracks = read_tracks(npz(tmp_path, **{name: example().features}, labels=list("aabbba"), source=source))
    assert tracks.n_tracks == 6
    assert tracks.videos == ["movie"]
    assert tracks.labels is not None
    assert tracks.labels.tolist() == list("aabbba")


def test_npz_with_one_video_for_all(tmp_path: Path) -> None:
    for offsets in ({"offsets": [0, 2, 6]}, {"track_id": [4, 4, 5, 5, 5, 5]}):
        tracks = read_tracks(npz(tmp_path, features=example().features, video_id="film", **offsets))
        assert tracks.videos == ["film"]
        assert tracks.offsets.tolist() == [0, 2, 6]


def test_real_npz(shared_data: Path) -> None:
    tracks = read_tracks(shared_data / "faces224" / "features.npz")
    assert repr(tracks) == "TrackSet(3081 tracks, 3081 faces, 128 features, 1 videos, 224 identities)"


# Several files


def test_several_files_are_put_together(tmp_path: Path) -> None:
    first, second = tmp_path / "1.npz", tmp_path / "2.parquet"
    write_tracks(example().select([0, 1]), first)
    write_tracks(example().select([2]), second)
    assert_same(read_tracks([first, str(second)]), example())


def test_several_files_must_go_together(tmp_path: Path) -> None:
    first, second = tmp_path / "1.npz", tmp_path / "2.npz"
    write_tracks(example(), first)
    write_tracks(TrackSet.from_arrays(np.ones((2, 3)), labels=["x", "y"]), second)
    expect([first, second], f"same number of features, got 2 in {first} and 3 in {second}")
    write_tracks(example().select([1]), second, force=True)
    expect([first, second], f"(video, track) must be unique, got track 'b' of video 'v' in both {first} and {second}")
    expect([], "at least one set of tracks is wanted, got none")


# Bad files


def test_missing_empty_and_unknown_files(tmp_path: Path) -> None:
    for suffix in (".parquet", ".npz", ".npy"):
        path = tmp_path / f"t{suffix}"
        expect(path, f"{path}: there is no such file or folder")
        path.touch()
        expect(path, f"{path}: the file is empty (0 bytes)")
    (tmp_path / "t.xyz").touch()
    wanted = "ends in .parquet, .feather, .arrow, .ipc, .csv, .tsv, .npz, .npy or .txt"
    expect(tmp_path / "t.xyz", wanted, "a folder", "'-'", "got the suffix '.xyz'")


def test_empty_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    expect("-", "standard input: it is empty (0 bytes)")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello")))
    expect("-", "standard input: a Parquet file is wanted")


@pytest.mark.parametrize("suffix", [".parquet", ".npz", ".npy"])
def test_truncated_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    if suffix == ".npy":
        np.save(path, example().features)
    else:
        write_tracks(example(), path)
    whole = path.read_bytes()
    for size in (1, 7, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        expect(path, f"{path}: ", "is wanted, this one is truncated or something else")


def test_damaged_npz_member(tmp_path: Path) -> None:
    path = npz(tmp_path, features=np.ones((50, 50)))
    whole = bytearray(path.read_bytes())
    whole[2000:2100] = bytes(100)
    path.write_bytes(whole)
    expect(path, "an .npz archive is wanted, this one is truncated or something else")


class Trap:
    """Unpickling it would raise."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('unpickled')",)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    objects = np.array([[Trap()]], dtype=object)
    wanted = "of numbers or text is wanted, got Python objects (a pickle)"
    expect(npz(tmp_path, features=objects), wanted)
    expect(npz(tmp_path, features=np.ones((1, 2)), label=objects[0]), wanted)
    np.save(tmp_path / "t.npy", objects)
    expect(tmp_path / "t.npy", wanted)
    for suffix in (".npz", ".npy", ".parquet"):
        (tmp_path / f"p{suffix}").write_bytes(pickle.dumps(Trap()))
        expect(tmp_path / f"p{suffix}", "is wanted, this one is truncated or something else")


def test_damaged_array_headers(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (6, 2), }"
    for damage in (b"{'descr': '<f4', 'fortran_order': False, 'shape': (6, (2 ", header.replace(b"6, 2", b"9" * 30)):
        for path in (tmp_path / "t.npy", npz(tmp_path, features=example().features)):
            np.save(tmp_path / "t.npy", example().features)
            array = (tmp_path / "t.npy").read_bytes().replace(header, damage.ljust(len(header)))
            (tmp_path / "t.npy").write_bytes(array)
            if path.suffix == ".npz":
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr("features.npy", array)
            expect(path, "is wanted, this one is truncated or something else")


def test_npz_member_that_is_no_array(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("features.npy", "hello")
    expect(tmp_path / "t.npz", "wanted, ")


ONES = np.ones((4, 2))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x": ONES, "y": ONES}, "an array 'features' (or 'embedding', 'embeddings') is wanted, got 'x', 'y'"),
        ({}, "is wanted, got no arrays"),
        ({"features": ONES, "embedding": ONES}, "one array of features is wanted, got 'features' and 'embedding'"),
        ({"features": ONES[0]}, "features must be 2-D (n_faces, n_features), got shape (2,)"),
        ({"features": ONES, "offsets": [0, 2]}, "offsets must run from 0 to the number of faces (4), got 0 to 2"),
        (
            {"features": ONES, "offsets": [0, 2, 2, 4]},
            "every track must have at least one face, got 2 to 2 for track 1",
        ),
        (
            {"features": ONES, "offsets": [0, 2, 4], "labels": list("abc")},
            "label must have one value per track (2), got 3",
        ),
        ({"features": ONES, "labels": list("abc")}, "label must have one value per track (4), got 3"),
        (
            {"features": ONES, "track_id": [1, 1]},
            "track_id must have one value per face (4) where there are no offsets, got 2",
        ),
        (
            {"features": ONES, "track_id": [1, 1, 2, 2], "label": list("aabc")},
            "got 'b' and 'c' in track '2' of video 'movie'",
        ),
        ({"features": ONES, "track_id": ["1", "1", "", "2"]}, "track_id must be given in every row, got none in row 2"),
        (
            {"features": ONES, "offsets": [0, 2, 4], "track_id": [1, 1]},
            "(video, track) must be unique, got track '1' of video 'movie' twice",
        ),
        (
            {"features": ONES, "track_id": [1, 1, 2, 2], "frame": [1, 2]},
            "frame must have one number per face (4), got shape (2,)",
        ),
        (
            {"features": ONES, "track_id": [1, 1, 2, 2], "boxes": ONES},
            "boxes must be numbers x, y, w, h per face (4, 4)",
        ),
        ({"features": ONES * np.nan, "track_id": [8, 9, 8, 9]}, "got nan in face row 0 of track '8' of video 'movie'"),
    ],
)
def test_bad_npz(tmp_path: Path, arrays: dict[str, Any], sentence: str) -> None:
    path = npz(tmp_path, **arrays)
    expect(path, f"{path}: ", sentence)


def test_bad_npy(tmp_path: Path) -> None:
    path = tmp_path / "t.npy"
    for array, sentence in (
        (np.ones(3), "features must be 2-D (n_faces, n_features), got shape (3,)"),
        (np.ones((0, 3)), "at least one face"),
        (np.array([[1.0], [np.inf]]), "got inf in face row 0 of track '1' of video 't'"),
        (np.array([["a"]]), "features must be numbers, got <U1"),
    ):
        np.save(path, array)
        expect(path, f"{path}: ", sentence)


def test_half_written_files_do_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("bcl_fast.tracks._parquet._batch", fail)
    with pytest.raises(RuntimeError, match="out of luck"):
        write_tracks(example(), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", ["(2000000000, 2)", "(60, 2)", "(-6, -2)"])
def test_an_array_larger_than_its_bytes_is_not_allocated(tmp_path: Path, shape: str) -> None:
    path = npz(tmp_path, features=example().features)
    with zipfile.ZipFile(path) as archive:
        array = archive.read("features.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.npy", array.replace(b"(6, 2), }".ljust(len(shape) + 3), shape.encode() + b", }"))
    expect(path, f"an array of shape {shape}, float32, does not have 48 bytes")
