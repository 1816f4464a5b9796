"""The authors' layout: what is read, and a sentence for everything that does not fit together."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bcl_fast.tracks import read_tracks
from tests.helpers.tracks import example, expect


def release(folder: Path, labels: bool = True) -> Path:
    """The example in the authors' layout, less its frames; track names must be of their kind."""
    for video, track, faces in (("v", "0007", [0, 1]), ("v", "12", [2, 3, 4]), ("w", "7", [5])):
        (folder / "features" / video).mkdir(parents=True, exist_ok=True)
        np.save(folder / "features" / video / f"{track}.npy", example().features[faces])
    if labels:
        (folder / "ids").mkdir()
        (folder / "ids" / "v.ids").write_text("CVHCI_TRACKLABELS_V1\n7 ann\n12 bob\n\n")
        (folder / "ids" / "w.ids").write_text("CVHCI_TRACKLABELS_V1\n7 ann\n")
    return folder


def test_release(tmp_path: Path) -> None:
    tracks = read_tracks(release(tmp_path))
    assert tracks.track_ids.tolist() == ["7", "12", "7"]
    assert tracks.labels is not None
    assert tracks.labels.tolist() == ["ann", "bob", "ann"]
    np.testing.assert_array_equal(tracks.features, example().features)
    np.testing.assert_array_equal(tracks.offsets, example().offsets)
    assert tracks.videos == ["v", "w"]


def test_release_without_ids_has_no_labels(tmp_path: Path) -> None:
    assert read_tracks(release(tmp_path, labels=False)).labels is None


def test_release_with_the_real_ids(tmp_path: Path, shared_data: Path) -> None:
    ids = shared_data / "bcl_release" / "ids" / "bbt_s01e01.ids"
    (tmp_path / "ids").mkdir()
    shutil.copy(ids, tmp_path / "ids")
    folder = tmp_path / "features" / "bbt_s01e01"
    folder.mkdir(parents=True)
    lines = [line.split() for line in ids.read_text().splitlines()[1:]]
    for track, _ in lines:
        np.save(folder / f"{track}.npy", np.ones((2, 4), np.float32))
    tracks = read_tracks(tmp_path)
    assert tracks.labels is not None
    assert list(zip(tracks.track_ids, tracks.labels, strict=True)) == [(track, name) for track, name in lines]


def drop(name: str) -> Callable[[Path], object]:
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


def write(name: str, text: str | bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


def save(name: str, array: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: np.save(folder / name, array)


HEADER = "CVHCI_TRACKLABELS_V1\n"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (drop("features/v/12.npy"), "every labelled track must have features, got no file for track '12' of video 'v'"),
        (
            save("features/v/8.npy", np.ones((1, 2))),
            "must have a line in its ids file, got none for track '8' of video 'v'",
        ),
        (drop("ids/w.ids"), "labels must be given for every video or for none, got no ids/w.ids"),
        (drop("features/w"), "every labelled video must have features, got ids/w.ids and no features/w"),
        (write("ids/v.ids", "7 ann\n12 bob\n"), "ids/v.ids must begin with the line CVHCI_TRACKLABELS_V1, got '7 ann'"),
        (write("ids/v.ids", ""), "ids/v.ids must begin with the line CVHCI_TRACKLABELS_V1, got an empty file"),
        (write("ids/v.ids", HEADER + "7\n"), "ids/v.ids must have 'track name' in every line, got '7' in line 2"),
        (
            write("ids/v.ids", HEADER + "7 ann\n07 bob\n"),
            "ids/v.ids must name a track once, got track '07' again in line 3",
        ),
        (write("ids/v.ids", b"\xff\xfe"), "ids/v.ids must be readable UTF-8 text"),
        (save("features/v/7.npy", np.ones((1, 2))), "must hold one file per track, got '0007.npy' and '7.npy'"),
        (write("features/v/notes.txt", "x"), "features/v must hold only <track>.npy, got 'notes.txt'"),
        (save("features/v/12.npy", np.ones((1, 3))), "in features/v/12.npy 2 features per face are wanted"),
        (
            save("features/v/12.npy", np.ones(2)),
            "in features/v/12.npy features must be 2-D (n_faces, n_features), got shape (2,)",
        ),
        (save("features/v/12.npy", np.ones((0, 2))), "in features/v/12.npy features must hold at least one face"),
        (save("features/v/12.npy", np.array([[np.nan, 0]])), "got nan in face row 0 of track '12' of video 'v'"),
        (
            save("features/v/12.npy", np.array([{}])),
            "in features/v/12.npy a .npy array of numbers or text is wanted, got Python objects",
        ),
        (
            write("features/v/12.npy", b"\x93NUMPY"),
            "in features/v/12.npy a .npy array is wanted, this one is truncated",
        ),
        (drop("features"), "a folder must hold features/<video>/<track>.npy, got none named features in it"),
    ],
)
def test_bad_release(tmp_path: Path, spoil: Callable[[Path], object], sentence: str) -> None:
    spoil(release(tmp_path))
    expect(tmp_path, f"{tmp_path}: ", sentence)


def test_release_without_videos_or_tracks(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    expect(tmp_path, "got no video in features")
    (tmp_path / "features" / "v").mkdir()
    expect(tmp_path, "features/v must hold a <track>.npy, got none")
