"""Labels that were corrected in another tool, as edits of a result."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.csv import csv_rows
from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.text import brief, one_line
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.report._exports import FORMATS, MOT_ORIGIN, Format
from bcl_fast.report._labels import edits_of_labels, one_label
from bcl_fast.results import ClusteringResult, tracks_of_rows
from bcl_fast.tracks import Edits, TrackSet
from bcl_fast.tracks._edits import Track, track_index


def import_labels(
    result: ClusteringResult, path: PathLike, from_format: Format, *, tracks: TrackSet | None = None
) -> Edits:
    """Read labels that were corrected in another tool, and say what they change in a result.

    Parameters
    ----------
    result : ClusteringResult
        What was exported.
    path : path-like
        What the tool exported: as `bcl_fast.report.export_result` writes it, with other labels. Of Label Studio the
        export called JSON, whose first annotation of a task counts.
    from_format : {"fiftyone", "labelstudio", "coco", "mot", "csv"}
    tracks : TrackSet, optional
        Those of the result; MOT, which has no names of tracks, finds them by their boxes.

    Returns
    -------
    edits : Edits
        See `bcl_fast.results.apply_edits`. A label that is no number of a cluster is a name; ``not a face`` is none.

    Raises
    ------
    InputError
        If the file is missing or of another kind, gives a track two labels, or labels none of the result.
    """
    if from_format not in FORMATS:
        raise InputError(f"the format must be one of {', '.join(FORMATS)}, got {from_format!r}")
    read = _Read(result, track_index(result), Path(path))
    if from_format == "mot":
        return edits_of_labels(result, _read_mot(read, tracks), str(path))
    try:
        labels = _READERS[from_format](read)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {one_line(error)}"
        raise InputError(f"{path} must be as {from_format} exports labels ({what})") from None
    return edits_of_labels(result, labels, str(path))


class _Read(NamedTuple):
    result: ClusteringResult
    row_of: dict[Track, int]
    path: Path

    def keep(self, labels: dict[int, str], video: Any, track: Any, label: Any) -> None:
        row = self.row_of.get((str(video), str(track)))
        if row is not None:
            one_label(labels, row, str(label or ""), self.result, str(self.path))


def _json_of(path: Path) -> Any:
    check_is_file(path, "file of labels")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} must be JSON ({one_line(error)})") from None


def _read_csv(read: _Read) -> dict[int, str]:
    rows = csv_rows(read.path, "file of labels", stripped=False)
    _, header = next(rows, (1, []))
    missing = [name for name in ("video_id", "track_id", "label") if name not in header]
    if missing:
        raise InputError(f"{read.path} must have the columns video_id, track_id, label, got none named {missing[0]}")
    labels: dict[int, str] = {}
    for number, row in rows:
        if len(row) != len(header):
            raise InputError(f"line {number} of {read.path} must have {len(header)} columns, got {len(row)}")
        cells = dict(zip(header, row, strict=True))
        read.keep(labels, cells["video_id"], cells["track_id"], cells["label"])
    return labels


def _read_coco(read: _Read) -> dict[int, str]:
    content = _json_of(read.path)
    names = {category["id"]: category["name"] for category in content["categories"]}
    labels: dict[int, str] = {}
    for annotation in content["annotations"]:
        about = annotation.get("attributes") or {}
        if "track_id" in about:
            read.keep(labels, about["video_id"], about["track_id"], names[annotation["category_id"]])
    return labels


def _read_labelstudio(read: _Read) -> dict[int, str]:
    labels: dict[int, str] = {}
    for task in _json_of(read.path):
        given = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
        given = given or task.get("predictions") or []
        texts = [part["value"].get("text", []) for part in (given[0]["result"] if given else [])]
        text = next((text for text in texts if text), "")
        label = text if isinstance(text, str) else text[0]
        read.keep(labels, task["data"]["video_id"], task["data"]["track_id"], label)
    return labels


def _read_fiftyone(read: _Read) -> dict[int, str]:
    content = _json_of(read.path / "labels.json" if read.path.is_dir() else read.path)
    classes = content.get("classes")
    labels: dict[int, str] = {}
    for name, target in content["labels"].items():
        label = target["label"] if isinstance(target, dict) else target
        label = classes[label] if isinstance(label, int) and classes else label
        row = int(name) if name.isdecimal() and len(name) < 16 else -1
        if not 0 <= row < read.result.n_tracks:
            raise InputError(f"{read.path} must name pictures as they were exported, got {brief(name)}")
        one_label(labels, row, str(label or ""), read.result, str(read.path))
    return labels


_READERS: dict[str, Callable[[_Read], dict[int, str]]] = {
    "csv": _read_csv,
    "coco": _read_coco,
    "labelstudio": _read_labelstudio,
    "fiftyone": _read_fiftyone,
}


def _read_mot(read: _Read, tracks: TrackSet | None) -> dict[int, str]:
    """Find the track of each line by its frame and its box; the identity of most of its lines is that of the track."""
    if tracks is None or tracks.boxes is None or tracks.frames is None:
        raise InputError("mot has no names of tracks: give the tracks of the result, with frames and x, y, w, h")
    names = {cells[0]: cells[1] for _, cells in csv_rows(read.path / "people.csv", "list of people", stripped=True)}
    row_of_track = {int(track): row for row, track in enumerate(tracks_of_rows(read.result, tracks)) if track >= 0}
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for video, members in tracks.tracks_of_videos().items():
        file = read.path / video / "gt" / "gt.txt"
        if Path(video).name != video or not file.is_file():
            continue
        faces = _faces_by_frame(tracks, members)
        for number, cells in csv_rows(file, "file of tracks", stripped=True):
            frame, person, box = _mot_line(cells, f"line {number} of {file}")
            near = faces.get(frame - 1, [])
            if near:
                distances = [np.abs(tracks.boxes[face] - box).max() for _, face in near]
                place = int(np.argmin(distances))
                if distances[place] <= max(1.0, 0.1 * box[2]):
                    votes[near[place][0]][names.get(person, f"person {person}")] += 1
    return {
        row_of_track[track]: counts.most_common(1)[0][0] for track, counts in votes.items() if track in row_of_track
    }


def _faces_by_frame(tracks: TrackSet, members: Any) -> dict[int, list[tuple[int, int]]]:
    assert tracks.frames is not None
    faces: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track in members.tolist():
        for face in range(*tracks.offsets[track : track + 2].tolist()):
            faces[int(tracks.frames[face])].append((track, face))
    return faces


def _mot_line(cells: list[str], where: str) -> tuple[int, str, Any]:
    try:
        box = np.array([float(cell) for cell in cells[2:6]])
        if len(box) == 4 and np.isfinite(box).all():
            return int(cells[0]), cells[1], box - MOT_ORIGIN
    except (ValueError, IndexError):
        pass
    raise InputError(f"{where} must begin with frame,id,x,y,w,h, got {one_line(','.join(cells))!r}")
