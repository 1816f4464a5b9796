"""Reader of the folder layout of the paper's authors.

``features/<video>/<track>.npy`` holds the faces of a track (n_faces, n_features); ``ids/<video>.ids`` holds the labels:
the line ``CVHCI_TRACKLABELS_V1``, then ``track name`` per line (github.com/makarandtapaswi/BallClustering_ICCV2019).
A track that is a number is known without leading zeros: ``0007.npy`` is track 7 of the labels. People without a
name are numbered within a series (``unknown_e04_1`` is somebody in the 4th episode of each), so where there are several
series their labels begin with its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import check_features
from bcl_fast.tracks._names import track_name
from bcl_fast.tracks._numpy import reading
from bcl_fast.tracks._series import series_of
from bcl_fast.tracks._track_set import TrackSet

IDS_HEADER = "CVHCI_TRACKLABELS_V1"
UNNAMED = "unknown"


def read_folder(folder: Path) -> TrackSet:
    """Read all videos under ``features``, tracks in order of their numbers, with labels if there are any ``ids/*.ids``.

    Labels are all or nothing: without ``ids`` files the tracks have no labels; with any, each video needs its own and
    each track its line.

    Raises
    ------
    InputError
        If a file cannot be read, a track has no label line or a label line no track, or the tracks are not valid.
    """
    videos = _videos(folder)
    labels = _labels(folder, videos)
    blocks: list[Floats] = []
    names: list[tuple[str, str, str | None]] = []
    for video in videos:
        files = _feature_files(folder / "features" / video)
        if labels is not None:
            _check_same_tracks(video, set(files), set(labels[video]))
        for track, path in files.items():
            blocks.append(_faces(path, blocks[0].shape[1] if blocks else None))
            names.append((video, track, None if labels is None else labels[video][track]))
    video_ids, track_ids, people = zip(*names, strict=True)
    return TrackSet.from_arrays(
        np.concatenate(blocks),
        np.append(0, np.cumsum([len(block) for block in blocks])),
        track_ids=np.array(track_ids),
        video_ids=np.array(video_ids),
        labels=None if labels is None else np.array(people),
    )


def _videos(folder: Path) -> list[str]:
    features = folder / "features"
    if not features.is_dir():
        raise InputError(
            "a folder must hold features/<video>/<track>.npy, got none named features in it and no file of tracks"
        )
    videos = sorted(path.name for path in features.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not videos:
        raise InputError("a folder must hold features/<video>/<track>.npy, got no video in features")
    return videos


def _feature_files(folder: Path) -> dict[str, Path]:
    """Map each track to its file, in order of their numbers, then of their names."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (len(_track(path.stem)), _track(path.stem), path.name)):
        if path.name.startswith("."):
            continue
        if path.suffix != ".npy":
            raise InputError(f"features/{folder.name} must hold only <track>.npy, got {path.name!r}")
        if _track(path.stem) in files:
            other = files[_track(path.stem)].name
            raise InputError(f"features/{folder.name} must hold one file per track, got {other!r} and {path.name!r}")
        files[_track(path.stem)] = path
    if not files:
        raise InputError(f"features/{folder.name} must hold a <track>.npy, got none")
    return files


def _track(name: str) -> str:
    return name.lstrip("0") or "0" if name.isascii() and name.isdigit() else name


def _faces(path: Path, n_features: int | None) -> Floats:
    what = f"features/{path.parent.name}/{path.name}"
    with reading(f"in {what} a .npy array"), path.open("rb") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    try:
        block = check_features(array)
    except InputError as error:
        raise InputError(f"in {what} {error}") from None
    if n_features is not None and block.shape[1] != n_features:
        raise InputError(
            f"in {what} {n_features} features per face are wanted, as in the first track, got {block.shape[1]}"
        )
    return block


def _labels(folder: Path, videos: list[str]) -> dict[str, dict[str, str]] | None:
    ids = {path.stem: path for path in sorted((folder / "ids").glob("*.ids"))}
    if not ids:
        return None
    for video in videos:
        if video not in ids:
            raise InputError(f"labels must be given for every video or for none, got no ids/{video}.ids")
    for video in ids:
        if video not in videos:
            raise InputError(f"every labelled video must have features, got ids/{video}.ids and no features/{video}")
    return read_ids([ids[video] for video in videos])


def read_ids(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Read who each track shows: the label by video and track.

    Raises
    ------
    InputError
        If a file is not one of labels, or names a track twice.
    """
    several = len({series_of(path.stem) for path in paths}) > 1
    return {path.stem: _read_ids(path, f"{series_of(path.stem)}_" if several else "") for path in paths}


def _read_ids(path: Path, series: str) -> dict[str, str]:
    what = f"ids/{path.name}"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} must be readable UTF-8 text, got an error ({one_line(error)})") from None
    if not lines or lines[0].strip() != IDS_HEADER:
        got = repr(lines[0][:40]) if lines else "an empty file"
        raise InputError(f"{what} must begin with the line {IDS_HEADER}, got {got}")
    labels: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        track, _, name = line.strip().partition(" ")
        if not name.strip():
            raise InputError(f"{what} must have 'track name' in every line, got {one_line(line)!r} in line {number}")
        if _track(track) in labels:
            raise InputError(f"{what} must name a track once, got track {one_line(track)!r} again in line {number}")
        name = name.strip()
        labels[_track(track)] = f"{series}{name}" if name.startswith(UNNAMED) else name
    return labels


def _check_same_tracks(video: str, with_features: set[str], with_labels: set[str]) -> None:
    if unlabelled := sorted(with_features - with_labels):
        name = f"{track_name(unlabelled[0], video)} ({len(unlabelled)} such)"
        raise InputError(f"every track must have a line in its ids file, got none for {name}")
    if featureless := sorted(with_labels - with_features):
        name = f"{track_name(featureless[0], video)} ({len(featureless)} such)"
        raise InputError(f"every labelled track must have features, got no file for {name}")
