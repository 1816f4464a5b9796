"""Tables of faces in every format and type that people have them in."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import torch

from bcl_fast.errors import InputError
from bcl_fast.tracks import read_tracks
from tests.helpers.tracks import assert_same, example, expect
from tests.tracks.test_parquet import embeddings, parquet, table

ROWS = example().features.tolist()
UUIDS = [uuid.UUID(int=number) for number in (1, 1, 2, 2, 2, 1)]


def wide(**changes: Any) -> pa.Table:
    """The example with a column per feature."""
    numbers = {f"f{place}": pa.array(example().features[:, place]) for place in range(2)}
    return table(embedding=None, **numbers, **changes)


@pytest.mark.parametrize(
    "embedding",
    [
        pa.FixedShapeTensorArray.from_numpy_ndarray(example().features),
        pa.array(ROWS, pa.list_view(pa.float32())),
        pa.array(ROWS, pa.large_list_view(pa.float64())),
        pa.array([[row] for row in ROWS], pa.list_(pa.list_(pa.float32()))),
        pa.array([[[number] for number in row] for row in ROWS], pa.list_(pa.list_(pa.float32(), 1), 2)),
        pa.array([json.dumps(row) for row in ROWS]),
        pa.array([row.astype("<f4").tobytes() for row in example().features]),
        pa.array([row.astype("<f4").tobytes() for row in example().features], pa.binary(8)),
    ],
    ids=lambda column: str(column.type)[:30],
)
def test_types_of_embeddings(tmp_path: Path, embedding: pa.Array) -> None:
    assert_same(read_tracks(parquet(tmp_path, embedding=embedding)), example())
    assert_same(read_tracks(table(embedding=embedding)), example())


@pytest.mark.parametrize(
    ("embedding", "sentence"),
    [
        (pa.array(["[1, 2]"] * 5 + ["[1, x]"]), "must be a JSON list of numbers in every row, got '[1, x]' in row 5"),
        (pa.array([f"[{'9' * 5000}, 1]"] * 6), "must be a JSON list of numbers in every row, got '[999"),
        (pa.array(["[" * 100_000] * 6), "must be a JSON list of numbers in every row"),
        (pa.array(["[1, 2]"] * 5 + ["[1]"]), "got 2 in row 0 and 1 in row 5"),
        (pa.array(["3"] * 6), "must be a list of numbers in every row, got '3' in row 0"),
        (pa.array([b"12345"] * 6), "must be the bytes of float32 numbers in every row"),
        (pa.array([[[1.0], [1.0, 2.0]]] * 6), "as many numbers in every row, got 1 in row 0 and 2 in row 0"),
        (pa.array([[[1.0], None]] * 6), "must hold numbers, got null inside row 0"),
        (pa.array([{"a": 1}] * 6), "must be a list of numbers in every row, got struct"),
    ],
)
def test_embeddings_that_are_none(tmp_path: Path, embedding: pa.Array, sentence: str) -> None:
    expect(parquet(tmp_path, embedding=embedding), sentence)


@pytest.mark.parametrize(
    ("track_id", "names"),
    [
        (pa.array([u.bytes for u in UUIDS], pa.uuid()), [str(UUIDS[0]), str(UUIDS[2]), str(UUIDS[0])]),
        (pa.array([u.bytes for u in UUIDS], pa.binary(16)), [str(UUIDS[0]), str(UUIDS[2]), str(UUIDS[0])]),
        (pa.array([7.0, 7.0, 2.0, 2.0, 2.0, 7.0]), ["7", "2", "7"]),
        (pa.array([7, 7, 2, 2, 2, 7], pa.decimal128(38, 0)), ["7", "2", "7"]),
        (pa.array(list("aabbba"), pa.string_view()), ["a", "b", "a"]),
        (pa.array([b"a", b"a", b"b", b"b", b"b", b"a"], pa.binary_view()), ["a", "b", "a"]),
        (pa.array([2**64 - 1, 2**64 - 1, 2, 2, 2, 2**64 - 1], pa.uint64()), [str(2**64 - 1), "2", str(2**64 - 1)]),
    ],
    ids=["uuid", "16 bytes", "whole floats", "decimal", "string_view", "binary_view", "uint64"],
)
def test_types_of_names(tmp_path: Path, track_id: pa.Array, names: list[str]) -> None:
    assert read_tracks(parquet(tmp_path, track_id=track_id)).track_ids.tolist() == names
    labels = read_tracks(parquet(tmp_path, label=track_id)).labels
    assert labels is not None
    assert labels.tolist() == names


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    raw = pa.array([b"\xff"] * 6).view(pa.string())
    expect(parquet(tmp_path, track_id=raw), "a Parquet file is wanted", "invalid start byte")
    expect(parquet(tmp_path, track_id=pa.array([b"\xff"] * 6)), "column 'track_id' must be UTF-8 text, got b'\\xff'")


def test_a_column_of_one_name_twice(tmp_path: Path) -> None:
    for name in ("track_id", "embedding", "label", "x"):
        double = table().append_column(name, pa.array(ROWS if name == "embedding" else ["a"] * 6))
        double = double if double.column_names.count(name) > 1 else double.append_column(name, pa.array([1] * 6))
        pq.write_table(double, tmp_path / "t.parquet")
        expect(tmp_path / "t.parquet", f"one column '{name}' is wanted, got 2 of that name")
        pyarrow.feather.write_feather(table(), tmp_path / "t.feather")


def test_other_columns_may_be_there_twice(tmp_path: Path) -> None:
    double = table().append_column("quality", pa.array(range(6))).append_column("quality", pa.array(range(6)))
    pq.write_table(double, tmp_path / "t.parquet")
    assert_same(read_tracks(tmp_path / "t.parquet"), example())


@pytest.mark.parametrize("suffix", [".feather", ".arrow", ".ipc", ".csv", ".tsv"])
@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_formats(tmp_path: Path, suffix: str, compression: str) -> None:
    path = tmp_path / f"movie{suffix}"
    rows = table(track_id=pa.array(["007", "007", "b", "b", "b", "007"])).take([5, 0, 3, 1, 2, 4])
    if suffix in (".csv", ".tsv"):
        text = rows.set_column(4, "embedding", pa.array([json.dumps(row) for row in rows["embedding"].to_pylist()]))
        options = pyarrow.csv.WriteOptions(delimiter="," if suffix == ".csv" else "\t")
        pyarrow.csv.write_csv(text, path, options)
    else:
        pyarrow.feather.write_feather(rows, path, compression=compression, chunksize=4)
    tracks = read_tracks(path)
    assert_same(tracks.select([1, 2, 0]).select([0, 1, 2]), tracks.select([1, 2, 0]))
    assert sorted(set(tracks.track_ids)) == ["007", "b"]
    keys = list(zip(tracks.video_ids, tracks.track_ids, strict=True))
    same = tracks.select([keys.index(key) for key in (("v", "007"), ("v", "b"), ("w", "007"))])
    np.testing.assert_array_equal(same.features, example().features)
    np.testing.assert_array_equal(same.frames, example().frames)
    np.testing.assert_array_equal(same.labels, example().labels)


def test_numbered_columns(tmp_path: Path) -> None:
    for rows in (wide(), wide().rename_columns([*wide().column_names[:4], "1", "2"])):
        pyarrow.csv.write_csv(rows, tmp_path / "t.csv")
        pq.write_table(rows, tmp_path / "t.parquet")
        for given in (tmp_path / "t.csv", tmp_path / "t.parquet", rows, rows.to_pandas()):
            assert_same(read_tracks(given), example())
    two = wide(g0=pa.array(range(6)))
    pq.write_table(two, tmp_path / "t.parquet")
    expect(tmp_path / "t.parquet", "one set of numbered columns, got 'f0' to 'f1' and 'g0' to 'g0'")
    pq.write_table(wide().rename_columns([*wide().column_names[:4], "f0", "f2"]), tmp_path / "t.parquet")
    expect(tmp_path / "t.parquet", "columns 'embedding' are missing")
    pq.write_table(wide().set_column(4, "f0", pa.array([1.0, None, 1, 1, 1, 1])), tmp_path / "t.parquet")
    expect(tmp_path / "t.parquet", "column 'f0' must be given in every row, got null in row 1")


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"track_id\n", b"track_id,f0\n", b"track_id,f0\na\n", b"track_id,f0\n\xff,1\n", b"a\0b,c\n1,2\n",
     b"track_id,f0\na," + b"9" * 5000, b"track_id,frame,f0\na," + b"9" * 5000 + b",1", b"track_id,track_id,f0\na,a,1"],
)  # fmt: skip
def test_bad_csv(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(text)
    expect(tmp_path / "t.csv", f"{tmp_path / 't.csv'}: ")


def test_whole_floats_of_csv_are_names_without_a_fraction(tmp_path: Path) -> None:
    rows = pandas.DataFrame({"track_id": [1.0, 2.0, 10.0], "label": [1, None, 2], "video_id": ["1.0", "v", "1.0"]})
    rows.assign(f0=1.5).to_csv(tmp_path / "t.csv")
    tracks = read_tracks(tmp_path / "t.csv")
    assert tracks.track_ids.tolist() == ["1", "2", "10"]
    assert tracks.video_ids.tolist() == ["1.0", "v", "1.0"]
    assert tracks.labels is not None
    assert tracks.labels.tolist() == ["1", "", "2"]


def frames() -> dict[str, Any]:
    rows = table()
    objects = rows.to_pandas()
    return {
        "pandas": rows.to_pandas(),
        "pandas with UUIDs": objects.assign(track_id=UUIDS),
        "pandas categories": objects.astype({"label": "category", "frame": "Int64"}),
        "pandas matrix": {**{name: objects[name] for name in objects}, "embedding": example().features},
        "polars": polars.from_arrow(rows),
        "polars arrays": polars.from_arrow(rows).cast({"embedding": polars.Array(polars.Float64, 2)}),
        "pyarrow": rows,
        "batch": rows.to_batches()[0],
        "dict": {**rows.to_pydict(), "ignored": [object()] * 6},
        "torch": {**rows.to_pydict(), "embedding": torch.tensor(example().features, requires_grad=True)},
    }  # fmt: skip


@pytest.mark.parametrize("kind", list(frames()))
def test_tables_in_memory(kind: str) -> None:
    tracks = read_tracks(frames()[kind])
    if kind == "pandas with UUIDs":
        assert tracks.track_ids.tolist() == [str(UUIDS[0]), str(UUIDS[2]), str(UUIDS[0])]
    else:
        assert_same(tracks, example())


def test_missing_labels_of_tables_in_memory() -> None:
    columns = {"track_id": list("abc"), "embedding": np.eye(3)}
    for labels in (["Ann", None, np.nan], pandas.Series(["Ann", pandas.NA, ""]), [5, None, float("nan")]):
        for frame in ({**columns, "label": labels}, pandas.DataFrame({"track_id": list("abc"), "label": labels,
                                                                     "embedding": np.eye(3).tolist()})):  # fmt: skip
            tracks = read_tracks(frame)
            assert tracks.labels is not None
            assert tracks.labels.tolist() == [str(labels[0]), "", ""]


def test_several_tables() -> None:
    one, other = (
        table(video_id=None, track_id=pa.array(list("aabbbc"))),
        table(video_id=None, track_id=pa.array(list("aabbbc"))),
    )
    both = read_tracks([one, other])
    assert both.videos == ["video 0", "video 1"]
    assert read_tracks(one).videos == ["video"]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        ({"track_id": ["a"]}, "the table: columns 'embedding' are missing, got 'track_id'"),
        ({"track_id": ["a"], "embedding": np.eye(2)}, "columns must be equally long, got 1 of 'track_id', 2 of"),
        ({"track_id": ["a"], "embedding": [[object()]]}, "the table: columns of numbers, text or lists are wanted"),
        ({"track_id": [["a"]], "embedding": [[1.0]]}, "the table: track_id must be"),
        ({}, "the table: columns 'track_id', 'embedding' are missing, got no columns"),
        (pandas.DataFrame([["a", "b"]], columns=["track_id", "track_id"]), "one column 'track_id' is wanted, got 2"),
    ],
)
def test_bad_tables(frame: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_tracks(frame)
    assert sentence in str(caught.value)


# Folders


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    """As Spark writes it: a track may be in two files."""
    (tmp_path / "t.parquet").mkdir()
    for part, rows in enumerate(([0, 3], [4, 1, 5], [2])):
        pq.write_table(table().take(rows), tmp_path / "t.parquet" / f"part-{part}.parquet")
    (tmp_path / "t.parquet" / "_SUCCESS").touch()
    (tmp_path / "t.parquet" / "_metadata.parquet").touch()
    assert_same(read_tracks(tmp_path / "t.parquet"), example())


def test_hive_folders_name_videos(tmp_path: Path) -> None:
    pyarrow.dataset.write_dataset(
        table().append_column("more", pa.array(["x"] * 6)), tmp_path / "d", format="parquet",
        partitioning=pyarrow.dataset.partitioning(pa.schema([("video_id", pa.string())]), flavor="hive"),
    )  # fmt: skip
    assert_same(read_tracks(tmp_path / "d"), example())
    assert read_tracks(tmp_path / "d" / "video_id=w" / "part-0.parquet").videos == ["w"]
    (tmp_path / "video_id=0012 a%2Fb").mkdir()
    np.save(tmp_path / "video_id=0012 a%2Fb" / "f.npy", np.eye(2))
    np.savez(tmp_path / "video_id=0012 a%2Fb" / "g.npz", features=np.eye(2), track_id=["x", "y"])
    assert read_tracks(tmp_path / "video_id=0012 a%2Fb" / "f.npy").videos == ["0012 a/b"]
    assert read_tracks(tmp_path / "video_id=0012 a%2Fb").videos == ["0012 a/b"]


def test_a_folder_of_files_of_many_kinds(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.eye(2))
    (tmp_path / "deep").mkdir()
    np.save(tmp_path / "deep" / "a.npy", np.eye(2))
    pyarrow.csv.write_csv(wide(video_id=None, frame=None, track_id=pa.array(list("aabbbc"))), tmp_path / "b.csv")
    (tmp_path / "notes.txt").write_text("mine")
    tracks = read_tracks(tmp_path)
    assert tracks.videos == ["b", f"{tmp_path.name}/a", "deep/a"]
    (tmp_path / "deep" / "c.npy").write_bytes(b"broken")
    expect(tmp_path, f"{tmp_path}: in deep/c.npy a .npy array is wanted")


def test_parts_that_differ(tmp_path: Path) -> None:
    pq.write_table(table(label=None), tmp_path / "a.parquet")
    pq.write_table(table(video_id=None, frame=pa.array([1.0] * 6)), tmp_path / "b.parquet")
    tracks = read_tracks(tmp_path)
    assert tracks.labels is not None
    assert dict(zip(zip(tracks.video_ids, tracks.track_ids, strict=True), tracks.labels, strict=True)) == {
        ("v", "a"): "", ("v", "b"): "", ("w", "a"): "", ("b", "a"): "ann", ("b", "b"): "bob",
    }  # fmt: skip
    pq.write_table(table(embedding=embeddings(np.eye(6, dtype=np.float32))), tmp_path / "c.parquet")
    expect(tmp_path, "as many numbers in every row, got 2 in row 0 and 6 in row 12")
