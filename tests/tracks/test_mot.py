"""Boxes of multi-object trackers, in the text files of the MOT challenge, with embeddings beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bcl_fast import InputError, read_tracks

LINES = "1,7,10,20,30,40,1,-1,-1,-1\n2,3,0.5,1,8,9,0.9\n2, 7, 11, 21, 30, 40, 1\n\n1 3 0 0 8 9\n"


def write(folder: Path, text: str = LINES, n_rows: int = 4, name: str = "cam1") -> Path:
    (folder / f"{name}.txt").write_text(text)
    np.save(folder / f"{name}.npy", np.arange(2 * n_rows, dtype=np.float32).reshape(n_rows, 2))
    return folder / f"{name}.txt"


def test_lines_become_faces_in_order_of_frames(tmp_path: Path) -> None:
    tracks = read_tracks(write(tmp_path))
    assert tracks.track_ids.tolist() == ["7", "3"]
    assert tracks.videos == ["cam1"]
    assert tracks.frames is not None
    assert tracks.frames.tolist() == [1, 2, 1, 2]
    assert tracks.boxes is not None
    assert tracks.boxes[1].tolist() == [11, 21, 30, 40]
    np.testing.assert_array_equal(tracks.features, [[0, 1], [4, 5], [6, 7], [2, 3]])


def test_a_folder_is_read_with_its_embeddings_once(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, name="cam2")
    (tmp_path / "notes.txt").write_text("not boxes, and no embeddings beside it")
    tracks = read_tracks(tmp_path)
    assert tracks.videos == ["cam1", "cam2"]
    assert tracks.n_faces == 8


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,2,3,4\n", "every line must begin with frame,id,x,y,w,h, numbers, got '1,2,3,4' in line 1"),
        ("1,2,3,4,5,6\n1,2,x,4,5,6\n", "numbers, got '1,2,x,4,5,6' in line 2"),
        ("1,2,3,4,nan,6\n", "numbers, got '1,2,3,4,nan,6' in line 1"),
        ("1,-1,3,4,5,6\n", "must have the id of a track, 0 or more, got -1 in line 1"),
        ("1.5,1,3,4,5,6\n", "frame must be a whole number, got 1.5"),
        ("1,1.5,3,4,5,6\n", "id must be text or whole numbers"),
        ("\n", "at least one box is wanted"),
        ("1,1,3,4,5,6\n", "every line must have a row in cam1.npy, got 1 lines and 4 rows"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read_tracks(write(tmp_path, text, 4))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_embeddings(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.with_suffix(".npy").unlink()
    with pytest.raises(InputError, match=r"the embeddings of the boxes are wanted in .*cam1.npy"):
        read_tracks(path)
