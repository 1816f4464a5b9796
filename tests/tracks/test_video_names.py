"""Videos that are named by their files: no two are one, and a file alone has a short name."""

from __future__ import annotations

from pathlib import Path, PurePath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.tracks import automatic_pairs, read_tracks, write_tracks
from bcl_fast.tracks._video_names import hive_keys, names_of_paths
from tests.helpers.tracks import small

PART = st.sampled_from(["a", "b", "c.d"])
PATHS = st.lists(st.tuples(st.lists(PART, max_size=3), PART, st.sampled_from([".npy", ".parquet"])), max_size=6)


@given(PATHS)
def test_two_files_never_have_one_name(parts: list[tuple[list[str], str, str]]) -> None:
    paths = [PurePath("/", *folders, stem + suffix) for folders, stem, suffix in parts]
    names = names_of_paths(paths)
    assert len(set(names)) == len(set(paths))
    for path, name in zip(paths, names, strict=True):
        assert str(path).endswith(name) or str(path.with_suffix("")).endswith(name)


def test_names_are_as_short_as_tells_files_apart() -> None:
    paths = [PurePath(path) for path in ("/s/ep1/faces.npy", "/s/ep2/faces.npy", "/s/ep2/other.npy")]
    assert names_of_paths(paths) == ["ep1/faces", "ep2/faces", "other"]
    assert names_of_paths(paths[:1]) == ["faces"]
    assert names_of_paths([PurePath("/s/a/x/f.npy"), PurePath("/s/b/x/f.npy")]) == ["a/x/f", "b/x/f"]
    assert names_of_paths([PurePath("/s/f.npy"), PurePath("/s/f.parquet")]) == ["s/f.npy", "s/f.parquet"]


def test_keys_of_folders() -> None:
    assert hive_keys(PurePath("d/date=1/video_id=a%20b/x=y.npy")) == {"date": "1", "video_id": "a b"}
    assert hive_keys(PurePath("d/video_id=__HIVE_DEFAULT_PARTITION__/x.npy")) == {}


def test_files_of_one_name_are_two_videos(tmp_path: Path) -> None:
    paths = []
    for episode in ("ep1", "ep2"):
        (tmp_path / episode).mkdir()
        paths.append(tmp_path / episode / "faces.parquet")
        columns = {"track_id": [f"{episode}0", f"{episode}1"], "frame": [7, 7], "embedding": np.eye(2).tolist()}
        pq.write_table(pa.table(columns), paths[-1])
    tracks = read_tracks(paths)
    assert tracks.videos == ["ep1/faces", "ep2/faces"]
    assert automatic_pairs(tracks).cannot_link.tolist() == [[0, 1], [2, 3]]
    assert read_tracks(paths[0]).videos == ["faces"]


def test_arrays_of_one_name_are_two_videos(tmp_path: Path) -> None:
    for episode in ("ep1", "ep2"):
        (tmp_path / episode).mkdir()
        np.save(tmp_path / episode / "faces.npy", np.eye(2))
    assert read_tracks([tmp_path / "ep1" / "faces.npy", tmp_path / "ep2" / "faces.npy"]).n_tracks == 4


def test_a_file_is_not_taken_for_a_video_that_another_file_names(tmp_path: Path) -> None:
    write_tracks(small(video_ids="x", track_ids=["a", "b", "c"]), tmp_path / "named.parquet")
    np.save(tmp_path / "x.npy", np.eye(2))
    with pytest.raises(
        InputError, match=r"two videos must have two names, got 'x', which .*x.npy has by its file's name"
    ):
        read_tracks([tmp_path / "x.npy", tmp_path / "named.parquet"])


def test_a_file_name_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "bad\udcff.npy"
    np.save(path, np.eye(2))
    assert read_tracks(path).videos == ["bad\\xff"]
