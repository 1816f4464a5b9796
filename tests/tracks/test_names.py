"""What is a name, what is none, and what many or long names cost."""

from __future__ import annotations

import decimal
import re
import tracemalloc
import uuid
from pathlib import Path

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet, read_tracks, write_tracks
from bcl_fast.tracks._names import as_names, name_of_path
from tests.helpers.tracks import assert_same, small


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["a", b"b\xc3\xab", None, "", float("nan")], ["a", "bë", "", "", ""]),
        ([1, np.int8(2), 3.0, decimal.Decimal(4), 2**63], ["1", "2", "3", "4", "9223372036854775808"]),
        (np.array([1.0, np.nan, -2.0], np.float32), ["1", "", "-2"]),
        (np.array([2**64 - 1], np.uint64), ["18446744073709551615"]),
        ([uuid.UUID(int=5)], ["00000000-0000-0000-0000-000000000005"]),
        (["a", "a\0"], ["a", "a\0"]),
        (np.array(["NaT"], "M8[s]").astype(object), [""]),
    ],
)
def test_what_is_a_name(values: object, names: list[str]) -> None:
    assert as_names(values, "label").tolist() == names


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1.5], "label must be text or whole numbers, got 1.5"),
        (np.array([1.0, 2.0**60]), "label must be text or whole numbers, got float64 (1.15"),
        ([float("inf")], "label must be text or whole numbers (cannot convert float infinity to integer)"),
        ([10**5000], "label must be text or whole numbers (Exceeds the limit (4300"),
        (["\udcff"], "label must be UTF-8 text, got '\\udcff'"),
        (np.array(["2020"], "M8[Y]"), "got datetime64[Y]"),
        ([True], "label must be text or whole numbers, got True"),
        ([["a"]], "label must be 1-D, got shape (1, 1)"),
    ],
)
def test_what_is_no_name(values: object, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        as_names(values, "label")


def test_names_of_files_that_are_not_utf8_stay_apart() -> None:
    assert name_of_path("bad\udcff") == "bad\\xff"
    assert name_of_path("bad\udcfe") == "bad\\xfe"


def test_one_long_name_does_not_widen_the_others(tmp_path: Path) -> None:
    n_faces = 20_000
    images = ["x.jpg"] * (n_faces - 1) + ["y" * 4000]
    tracemalloc.start()
    tracks = TrackSet.from_arrays(np.ones((n_faces, 1)), images=images, track_ids=[*range(n_faces - 1), "z" * 4000])
    write_tracks(tracks, tmp_path / "t.parquet")
    assert_same(read_tracks(tmp_path / "t.parquet"), read_tracks(tmp_path / "t.parquet"))
    assert tracemalloc.get_traced_memory()[1] < 30e6  # 320 MB as fixed-width text
    tracemalloc.stop()
    with pytest.raises(InputError, match=r"up to 4,000 characters would take 0.3 GB as track_id of an .npz file"):
        write_tracks(tracks, tmp_path / "t.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_zero_bytes_are_kept_or_refused(tmp_path: Path) -> None:
    tracks = small(track_ids=["a", "a\0", "b"])
    write_tracks(tracks, tmp_path / "t.parquet")
    assert read_tracks(tmp_path / "t.parquet").track_ids.tolist() == ["a", "a\0", "b"]
    with pytest.raises(InputError, match=r"track_id of an .npz file cannot end in a zero byte: write .parquet"):
        write_tracks(tracks, tmp_path / "t.npz")


@pytest.mark.parametrize("frame", [2**64 - 1, 2**63, 2**62 + 1])
def test_frames_do_not_overflow(frame: int) -> None:
    with pytest.raises(InputError, match=rf"frame must be whole numbers from -2\*\*62 to 2\*\*62, got {frame}"):
        small(frames=np.full(6, frame, np.uint64))


def test_offsets_do_not_overflow() -> None:
    with pytest.raises(InputError, match="offsets must be whole numbers"):
        small(offsets=np.array([0, 2**63 + 1, 6], np.uint64))
