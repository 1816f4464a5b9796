"""Parquet: kinds of columns that are read, what is written, and a sentence for every bad table."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet, read_tracks, write_tracks
from tests.helpers.tracks import assert_same, example, expect


def table(**changes: Any) -> pa.Table:
    """The example as a Parquet table; a column set to None is left out."""
    columns: dict[str, Any] = {
        "track_id": pa.array(["a", "a", "b", "b", "b", "a"]),
        "video_id": pa.array(["v", "v", "v", "v", "v", "w"]),
        "frame": pa.array([1, 2, 1, 2, 3, 9]),
        "label": pa.array(["ann", "ann", "bob", "bob", "bob", "ann"]),
        "embedding": embeddings(example().features),
        **changes,
    }
    return pa.table({name: column for name, column in columns.items() if column is not None})


def embeddings(matrix: np.ndarray) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])


def parquet(folder: Path, **changes: Any) -> Path:
    path = folder / "movie.parquet"
    pq.write_table(table(**changes), path)
    return path


def test_round_trip_of_many_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bcl_fast.tracks._parquet._ROW_GROUP_BYTES", 4 * 16 * 1000)
    rng = np.random.default_rng(0)
    features = rng.standard_normal((3500, 16)).astype(np.float32)
    offsets = np.arange(0, 3501, 7)
    tracks = TrackSet.from_arrays(features, offsets, labels=np.arange(500) % 9, frames=np.arange(3500))
    write_tracks(tracks, tmp_path / "t.parquet")
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 4
    assert_same(read_tracks(tmp_path / "t.parquet"), tracks)


def test_written_columns(tmp_path: Path) -> None:
    write_tracks(example(), tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.names == ["track_id", "video_id", "frame", "label", "embedding"]
    assert pa.types.is_fixed_size_list(schema.field("embedding").type)
    assert schema.field("embedding").type.list_size == 2


@given(order=st.permutations(range(6)))
@settings(max_examples=15, deadline=None)
def test_shuffled_rows_give_the_same_tracks(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("shuffled")
    pq.write_table(table().take(order), folder / "t.parquet", row_group_size=2)
    rows = table().take(order)
    arrays = {name: rows[name].to_numpy() for name in ("frame",)}
    names = {name: np.array(rows[name].to_pylist()) for name in ("track_id", "video_id", "label")}
    np.savez(folder / "t.npz", features=np.array(rows["embedding"].to_pylist(), np.float32), **arrays, **names)
    for path in (folder / "t.parquet", folder / "t.npz"):
        tracks = read_tracks(path)
        keys = list(zip(tracks.video_ids, tracks.track_ids, strict=True))
        wanted = [("v", "a"), ("v", "b"), ("w", "a")]
        assert_same(tracks.select([keys.index(key) for key in wanted]), example())


@pytest.mark.parametrize(
    "embedding",
    [
        pa.array(example().features.tolist(), pa.list_(pa.float32())),
        pa.array(example().features.astype(np.float64).tolist(), pa.list_(pa.float64(), 2)),
        pa.array(example().features.astype(np.float64).tolist(), pa.large_list(pa.float64())),
    ],
    ids=["list", "fixed float64", "large_list"],
)
def test_kinds_of_lists(tmp_path: Path, embedding: pa.Array) -> None:
    assert_same(read_tracks(parquet(tmp_path, embedding=embedding)), example())


def test_half_precision_embeddings(tmp_path: Path) -> None:
    halves = example().features.astype(np.float16)
    tracks = read_tracks(parquet(tmp_path, embedding=embeddings(halves)))
    np.testing.assert_array_equal(tracks.features, halves.astype(np.float32))


@pytest.mark.parametrize(
    ("track_id", "names"),
    [
        (pa.array([5, 5, 2, 2, 2, 5]), ["5", "2", "5"]),
        (pa.array(list("aabbba")).dictionary_encode(), ["a", "b", "a"]),
        (pa.array(list("aabbba"), pa.large_string()), ["a", "b", "a"]),
        (pa.array([b"a", b"a", b"b", b"b", b"b", b"a"]), ["a", "b", "a"]),
    ],
    ids=["integers", "dictionary", "large_string", "binary"],
)
def test_kinds_of_names(tmp_path: Path, track_id: pa.Array, names: list[str]) -> None:
    assert read_tracks(parquet(tmp_path, track_id=track_id)).track_ids.tolist() == names


def test_optional_columns_may_be_missing(tmp_path: Path) -> None:
    path = parquet(tmp_path, video_id=None, frame=None, label=None, track_id=pa.array(list("xyxyxy")))
    tracks = read_tracks(path)
    assert set(tracks.video_ids) == {"movie"}
    assert tracks.track_ids.tolist() == ["x", "y"]
    np.testing.assert_array_equal(tracks.features, example().features[[0, 2, 4, 1, 3, 5]])
    assert tracks.labels is tracks.frames is tracks.boxes is tracks.images is None


def test_columns_of_nulls_are_not_there(tmp_path: Path) -> None:
    nulls = {name: pa.nulls(6, pa.int64()) for name in ("frame", "x", "y", "w", "h")}
    texts = {"label": pa.nulls(6, pa.string()), "image": pa.nulls(6), "video_id": pa.nulls(6, pa.string())}
    tracks = read_tracks(parquet(tmp_path, **nulls, **texts))
    assert tracks.labels is tracks.frames is tracks.boxes is tracks.images is None
    assert tracks.videos == ["movie"]


def test_boxes_and_images(tmp_path: Path) -> None:
    boxes = {name: pa.array([place] * 6) for place, name in enumerate("xywh")}
    tracks = read_tracks(parquet(tmp_path, **boxes, image=pa.array(["1.jpg", None, "", "4.jpg", "5.jpg", "6.jpg"])))
    assert tracks.boxes is not None
    assert tracks.images is not None
    assert tracks.boxes[0].tolist() == [0, 1, 2, 3]
    assert tracks.images.tolist() == ["1.jpg", "", "", "4.jpg", "5.jpg", "6.jpg"]


def test_one_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_tracks(example(), path)
    whole = bytearray(path.read_bytes())
    whole[whole.index(example().features.tobytes()) + 5] ^= 1
    path.write_bytes(whole)
    expect(path, "a Parquet file is wanted, this one is truncated or something else", "CRC checksum")


def test_damaged_parquet_pages(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_tracks(example(), path)
    whole = bytearray(path.read_bytes())
    whole[4:200] = bytes(196)
    path.write_bytes(whole)
    expect(path, "a Parquet file is wanted, this one is truncated or something else")


def lists(*rows: Any) -> pa.Array:
    return pa.array([*rows, *([[1.0, 2.0]] * (6 - len(rows)))], pa.list_(pa.float32()))


NAN = embeddings(np.array([[0, 0]] * 3 + [[0, np.nan]] + [[0, 0]] * 2, np.float32))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"track_id": None}, "columns 'track_id' are missing, got 'video_id', 'frame', 'label', 'embedding'"),
        ({"embedding": None, "track_id": None}, "columns 'track_id', 'embedding' are missing, got 'video_id'"),
        ({"x": pa.array([1] * 6), "h": pa.array([1] * 6)}, "columns 'y', 'w' are missing, got"),
        (
            {"track_id": pa.array(["a", None, "b", "b", "b", "a"])},
            "track_id must be given in every row, got none in row 1",
        ),
        ({"track_id": pa.array([0.5] * 6)}, "column 'track_id' must be text or whole numbers, got double"),
        (
            {"video_id": pa.array(["v", "v", "v", "", "v", "w"])},
            "video_id must be given in every row, got none in row 3",
        ),
        (
            {"label": pa.array(["x", "y", "z", "z", "z", "x"])},
            "label must be the same in all rows of a track, got 'x' and 'y' in track 'a' of video 'v'",
        ),
        (
            {"frame": pa.array([1, 2, None, 4, 5, 6])},
            "column 'frame' must be given in every row or in none, got none in row 2",
        ),
        ({"frame": pa.array([1, 2, 3, 4.5, 5, 6])}, "frame must be a whole number, got 4.5 in row 3"),
        ({"frame": pa.array(list("123456"))}, "column 'frame' must be numbers, got string"),
        (
            {**{name: pa.array([1] * 6) for name in "xyw"}, "h": pa.nulls(6, pa.int64())},
            "must be given together, got none in 'h'",
        ),
        ({"embedding": pa.array(range(6))}, "column 'embedding' must be a list of numbers in every row, got int64"),
        ({"embedding": pa.array([["a"]] * 6)}, "column 'embedding' must be a list of numbers in every row, got list<"),
        ({"embedding": lists([1.0])}, "as many numbers in every row, got 1 in row 0 and 2 in row 1"),
        ({"embedding": lists([1.0, 2.0], [1.0])}, "as many numbers in every row, got 2 in row 0 and 1 in row 1"),
        ({"embedding": lists([1.0, 2.0], None)}, "column 'embedding' must be given in every row, got null in row 1"),
        ({"embedding": lists([1.0, 2.0], [1.0, None])}, "column 'embedding' must hold numbers, got null inside row 1"),
        (
            {"embedding": pa.array([[]] * 6, pa.list_(pa.float32()))},
            "at least one face and one number per face, got shape (6, 0)",
        ),
        ({"embedding": NAN}, "got nan in face row 1 (frame 2) of track 'b' of video 'v'"),
    ],
)
def test_bad_parquet(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    path = parquet(tmp_path, **changes)
    expect(path, f"{path}: ", sentence)


def test_ragged_between_row_groups(tmp_path: Path) -> None:
    rows = table(embedding=pa.array([[1.0, 2.0]] * 3 + [[1.0]] * 3))
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=3)
    expect(tmp_path / "t.parquet", "as many numbers in every row, got 2 in row 0 and 1 in row 3")


def test_parquet_without_rows(tmp_path: Path) -> None:
    pq.write_table(table().slice(0, 0), tmp_path / "t.parquet")
    expect(tmp_path / "t.parquet", "at least one face is wanted, got a Parquet file with 0 rows")


def test_a_damaged_size_takes_no_memory(tmp_path: Path) -> None:
    """The header of a page, or the footer, may ask for 2 GB: nothing is taken that the file cannot fill."""
    write_tracks(example(), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    before = pa.default_memory_pool().max_memory()
    for place in range(4, len(whole) - 8, 3):
        (tmp_path / "t.parquet").write_bytes(whole[:place] + b"\xff\xff\xff\x7f" + whole[place + 4 :])
        with suppress(InputError):
            read_tracks(tmp_path / "t.parquet")
    assert pa.default_memory_pool().max_memory() - before < 1 << 27


def test_sizes_that_a_file_cannot_have(tmp_path: Path) -> None:
    """A billion equal rows fit into some kilobytes, but no faces are equal."""
    width = 1 << 17
    rows = embeddings(np.zeros((6, width), np.float32))
    pq.write_table(table(embedding=rows).take([0] * 600), tmp_path / "t.parquet", compression="zstd")
    size = (tmp_path / "t.parquet").stat().st_size
    expect(tmp_path / "t.parquet", f"a file of {size:,} bytes cannot hold 0.3 GB: it is damaged")
