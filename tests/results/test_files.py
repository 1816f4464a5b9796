"""Files of results: they give back what was written, or say what is wrong with them."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_fast.errors import InputError
from bcl_fast.results import describe_clusters, read_result, write_result
from bcl_fast.results._result import COLUMNS
from tests.helpers.results import assert_same, circle, example, tracks_of


def test_parquet_gives_back_what_was_written(tmp_path):
    write_result(example(), tmp_path / "result.parquet")
    assert_same(example(), read_result(tmp_path / "result.parquet"))
    assert tuple(pq.read_schema(tmp_path / "result.parquet").names) == (*COLUMNS, "embedding")
    np.testing.assert_array_equal(read_result(tmp_path / "result.parquet").embeddings, example().embeddings)


def test_csv_gives_back_what_was_written(tmp_path):
    write_result(example(), tmp_path / "result.csv")
    assert_same(example(), read_result(tmp_path / "result.csv"), decimals=6)


def test_csv_is_plain(tmp_path):
    result = describe_clusters(tracks_of(2), circle(0, 60), [0, 0])
    write_result(result, tmp_path / "result.csv")
    lines = (tmp_path / "result.csv").read_bytes().decode().split("\n")
    assert lines == [",".join(COLUMNS), "0,film,0,0.517638,2", "1,film,0,0.517638,2", ""]


def test_minus_is_csv_on_standard_output(capsys, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    write_result(describe_clusters(tracks_of(1), circle(0), [0]), "-")
    assert stream.getvalue() == ",".join(COLUMNS) + "\n0,film,0,0.0,1\n"


def test_other_columns_and_orders_are_fine(tmp_path):
    (tmp_path / "r.csv").write_text(
        "name,cluster_size,distance_to_centroid,cluster_id,video_id,track_id\nAnn,1,0.5,7,film,0003\n"
    )
    result = read_result(tmp_path / "r.csv")
    assert (result.track_ids[0], result.cluster_ids[0], result.cluster_sizes[0]) == ("0003", 7, 1)


def rewrite(path, **changes) -> None:
    """Change columns of a Parquet result as a program does that keeps the metadata; None takes the checksum away."""
    table = pq.read_table(path)
    metadata = dict(table.schema.metadata)
    if "checksum" in changes:
        del metadata[b"bcl_fast.checksum"], changes["checksum"]
    for name, values in changes.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values, table.schema.field(name).type))
    pq.write_table(table.replace_schema_metadata(metadata), path)


@pytest.mark.parametrize(
    "changes",
    [
        {"cluster_id": [0, 0, 0, 0, 0, 1]},
        {"track_id": list("abcdef")},
        {"distance_to_centroid": [0.0] * 6},
        {"embedding": [[1.0, 0.0]] * 6},
    ],
)
def test_a_result_that_does_not_match_its_checksum_is_refused(changes, tmp_path):
    path = tmp_path / "r.parquet"
    write_result(replace(example(), embedded_by="features"), path)
    rewrite(path)
    assert read_result(path).embedded_by == "features"
    rewrite(path, **changes)
    with pytest.raises(InputError, match=r"r\.parquet does not match its checksum: it is damaged, or was changed by"):
        read_result(path)
    rewrite(path, checksum=None)  # a table of another program, or of an older version
    assert read_result(path).n_tracks == 6


@pytest.mark.parametrize("name", [b"r\xff.parquet", b"r\xff.csv"])
def test_the_name_of_a_result_need_not_be_utf_8(name, tmp_path):
    write_result(example(), tmp_path / os.fsdecode(name))
    assert_same(example(), read_result(tmp_path / os.fsdecode(name)), decimals=6)


def test_an_existing_result_is_kept_without_force(tmp_path):
    path = tmp_path / "result.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write_result(example(), path)
    assert path.read_text() == "mine"
    write_result(example(), path, force=True)
    assert read_result(path).n_tracks == 6


HEADER = ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.csv", "", "must have the columns track_id, .* got none named track_id"),
        ("r.csv", "track_id,video_id\n1,a\n", "got none named cluster_id, distance_to_centroid, cluster_size"),
        ("r.csv", f"{HEADER}\n1,a,0\n", "must have 5 columns in every line, got 3 in line 2"),
        ("r.csv", f"{HEADER}\n1,a,none,0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,1.5,0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,{10**30},0.5,1\n", "column 'cluster_id' of .* must be whole numbers in every row"),
        ("r.csv", f"{HEADER}\n1,a,0,far,1\n", "column 'distance_to_centroid' of .* must be numbers"),
        ("r.csv", b"\xff\xfe\x00", "must be CSV in UTF-8"),
        ("r.parquet", b"PAR1", "must be a whole Parquet file"),
        ("r.parquet", b"", "must be a whole Parquet file"),
        ("r.txt", "", "must end in .parquet or .csv"),
        ("r.csv", f"{HEADER},track_id\n1,a,0,0.5,1,2\n", "must have one column 'track_id', got 2 of that name"),
        ("r.csv", f"{HEADER}\n1,a,{'9' * 5000},0.5,1\n", "column 'cluster_id' of .* must be whole numbers"),
        ("r.csv", f"{HEADER}\n1,a,0,0.5,1\n1,a,2,0,1\n", "got track '1' of video 'a' twice, in the clusters 0 and 2"),
        ("r.csv", f"{HEADER}\n1,a,-5,0.5,1\n", "must have numbers from 0 on, or -1 for none, got -5"),
        ("r.csv", f"{HEADER}\n,a,0,0.5,1\n", "column 'track_id' of .* must be text in every row"),
    ],
)
def test_broken_results(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / name)


def test_a_missing_result(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_result(tmp_path / "r.csv")


def test_missing_values_in_parquet(tmp_path):
    columns = {name: pa.array(["1", None]) for name in COLUMNS}
    pq.write_table(pa.table(columns), tmp_path / "r.parquet")
    with pytest.raises(InputError, match=r"column 'track_id' of .* must be text in every row .a value is missing."):
        read_result(tmp_path / "r.parquet")


def test_a_result_without_tracks(tmp_path):
    (tmp_path / "r.csv").write_text(HEADER + "\n")
    assert read_result(tmp_path / "r.csv").n_tracks == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"track_id": pa.array([b"\xff"]).view(pa.string())}, "must be a whole Parquet file"),
        ({"video_id": pa.array([b"\xff"])}, "column 'video_id' of .* must be text in every row .* must be UTF-8"),
        ({"cluster_id": pa.array([2**64 - 1], pa.uint64())}, "column 'cluster_id' of .* must be whole numbers"),
        ({"embedding": pa.array([[float("inf")]], pa.list_(pa.float32(), 1))}, "column 'embedding' of .* finite"),
    ],
)
def test_columns_that_cannot_be(tmp_path, changes, message):
    rows = {**{key: ["a"] for key in ("track_id", "video_id")}, **{key: [1] for key in COLUMNS[2:]}, **changes}
    pq.write_table(pa.table(rows), tmp_path / "r.parquet")
    with pytest.raises(InputError, match=message):
        read_result(tmp_path / "r.parquet")


def test_a_parquet_result_with_a_column_twice(tmp_path):
    table = pa.table({**{key: ["a"] for key in ("track_id", "video_id")}, **{key: [1] for key in COLUMNS[2:]}})
    pq.write_table(table.append_column("track_id", pa.array(["b"])), tmp_path / "r.parquet")
    with pytest.raises(InputError, match="must have one column 'track_id', got 2 of that name"):
        read_result(tmp_path / "r.parquet")


def test_ids_of_other_types(tmp_path):
    rows = {"track_id": [1.0], "video_id": pa.array([bytes(16)], pa.uuid()), **{key: [1] for key in COLUMNS[2:]}}
    pq.write_table(pa.table(rows), tmp_path / "r.parquet")
    result = read_result(tmp_path / "r.parquet")
    assert (result.track_ids[0], result.video_ids[0]) == ("1", "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    ("linkage", "threshold", "sentence"),
    [
        (["complete", "average"], [1, 1], "linkage in .* must be the same in every row, got 'complete' and 'average'"),
        (["single", "single"], [1, 1], "linkage in .* must be complete or average, got 'single'"),
        (["average", "average"], [1, 2], "distance_threshold in .* must be the same in every row, got '1' and '2'"),
        (["average", "average"], ["x", "x"], "distance_threshold in .* must be a squared distance >= 0, got 'x'"),
        (["average", "average"], ["nan", "nan"], "distance_threshold in .* must be a squared distance >= 0, got 'nan'"),
    ],
)
def test_how_it_was_made_is_one_linkage_and_threshold(linkage, threshold, sentence, tmp_path):
    lines = ["track_id,video_id,cluster_id,distance_to_centroid,cluster_size,linkage,distance_threshold"]
    lines += [f"{row},v,0,0.1,2,{linkage[row]},{threshold[row]}" for row in range(2)]
    (tmp_path / "r.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=f"^{sentence}$"):
        read_result(tmp_path / "r.csv")
