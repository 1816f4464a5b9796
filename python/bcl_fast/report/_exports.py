"""A result in the formats of other tools: FiftyOne, Label Studio, COCO, MOTChallenge and CSV."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from bcl_fast._utils.csv import write_csv
from bcl_fast._utils.files import atomic_output, atomic_outputs, check_folder, check_output
from bcl_fast._utils.text import counted
from bcl_fast._utils.types import Integers, Names, PathLike
from bcl_fast.errors import InputError
from bcl_fast.report._labels import labels_of
from bcl_fast.report._pictures import Pictures
from bcl_fast.results import ClusteringResult, central_face, tracks_of_rows
from bcl_fast.tracks import TrackSet

Format = Literal["fiftyone", "labelstudio", "coco", "mot", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES = {"labelstudio": ".json", "coco": ".json", "csv": ".csv"}  # the others are folders
MOT_ORIGIN = np.array([1, 1, 0, 0], np.float32)  # of its x, y, width, height
LABEL_CONFIG = """<View>
  <Image name="face" value="$image"/>
  <Header value="$video_id / $track_id"/>
  <TextArea name="person" toName="face" maxSubmissions="1" editable="true" required="true"/>
</View>
"""


class Exported(NamedTuple):
    """What an export wrote: how many tracks, and sentences about what it left out."""

    n_tracks: int
    notes: list[str]


def check_export_output(path: PathLike, to: Format, *, force: bool = False) -> None:
    """Check that a result can be exported to ``path``, before any work is done.

    Raises
    ------
    InputError
        If the format is not known, or is one file and ``path`` has another suffix, or cannot be written to.
    """
    if to not in FORMATS:
        raise InputError(f"the format must be one of {', '.join(FORMATS)}, got {to!r}")
    if to not in _SUFFIXES:
        check_folder(Path(path), force=force)
        if Path(path).is_dir() and any(Path(path).iterdir()):
            raise InputError(f"{to} is exported to a new or empty folder, got {path}, which holds files")
        return
    if Path(path).suffix.lower() != _SUFFIXES[to]:
        raise InputError(f"{to} is exported to a file that ends in {_SUFFIXES[to]}, got {path}")
    check_output(path, force=force)


def export_result(
    result: ClusteringResult,
    path: PathLike,
    to: Format,
    *,
    tracks: TrackSet | None = None,
    pictures: Path | None = None,
    force: bool = False,
) -> Exported:
    """Write who is who in the format of another tool.

    Parameters
    ----------
    result : ClusteringResult
    path : path-like
        A file (``.json``, ``.csv``) or, for FiftyOne and MOT, a folder.
    to : {"fiftyone", "labelstudio", "coco", "mot", "csv"}
        FiftyOne: an image classification dataset of thumbnails. Label Studio: a task per track, its person as a
        prediction, and beside it the labelling configuration, ``.xml``. COCO: an annotation per face, categories are
        people. MOT: ``<video>/gt/gt.txt`` with people as identities, and ``people.csv``. CSV: a row per track.
    tracks : TrackSet, optional
        Those of the result: for boxes, frames and pictures; all but CSV need it.
    pictures : Path, optional
        The folder of the pictures that tracks name.
    force : bool, default False
        Replace a file that is there.

    Returns
    -------
    exported : Exported

    Raises
    ------
    InputError
        As `check_export_output`, or if the tracks lack what the format holds.
    """
    check_export_output(path, to, force=force)
    if tracks is None and to != "csv":
        raise InputError(f"{to} holds faces: give the tracks of the result")
    at = np.full(result.n_tracks, -1) if tracks is None else tracks_of_rows(result, tracks)
    known = _Known(result, tracks, at, labels_of(result), pictures)
    return _WRITERS[to](known, Path(path), force)


class _Known(NamedTuple):
    result: ClusteringResult
    tracks: TrackSet | None
    track_of_row: Integers
    labels: Names
    folder: Path | None

    def faces(self, what: str) -> tuple[TrackSet, Integers, list[str]]:
        """Return tracks with frames and boxes, the rows that are in clusters and among them, and what is left out."""
        assert self.tracks is not None
        if self.tracks.boxes is None or self.tracks.frames is None:
            raise InputError(f"{what} holds boxes in frames: the tracks must have frames and x, y, w, h")
        rows = np.flatnonzero((self.track_of_row >= 0) & (self.result.cluster_ids >= 0))
        n_out = self.result.n_tracks - len(rows)
        return self.tracks, rows, [f"{counted(n_out, 'track')} in no cluster, or not given, left out"] if n_out else []

    def numbers_of(self, rows: Integers) -> dict[str, int]:
        """Return the people of rows, in the order in which they come, with numbers from 1."""
        people = dict.fromkeys(self.labels[rows].tolist())
        return {name: number for number, name in enumerate(people, start=1)}

    def faces_of_row(self, row: int) -> range:
        assert self.tracks is not None
        return range(*self.tracks.offsets[self.track_of_row[row] : self.track_of_row[row] + 2].tolist())


def _write_csv(known: _Known, path: Path, force: bool) -> Exported:
    result, spans = known.result, None if known.tracks is None else known.tracks.frame_spans()
    header = ["video_id", "track_id", "label", "cluster_id", "first_frame", "last_frame"]
    rows = []
    for row in range(result.n_tracks):
        at = known.track_of_row[row]
        span: list[Any] = ["", ""] if spans is None or at < 0 else spans[at].tolist()
        rows.append([result.video_ids[row], result.track_ids[row], known.labels[row], result.cluster_ids[row], *span])
    with atomic_output(path, force=force) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        write_csv(file, header, rows)
    return Exported(result.n_tracks, [])


def _write_coco(known: _Known, path: Path, force: bool) -> Exported:
    tracks, rows, notes = known.faces("coco")
    assert tracks.boxes is not None
    assert tracks.frames is not None
    number_of = known.numbers_of(rows)
    images: dict[tuple[str, int], dict[str, Any]] = {}
    annotations: list[dict[str, Any]] = []
    for row in rows.tolist():
        video, track = str(known.result.video_ids[row]), str(known.result.track_ids[row])
        for face in known.faces_of_row(row):
            frame = int(tracks.frames[face])
            name = f"{video}/{frame:06d}.jpg"
            image = images.setdefault((video, frame), {"id": len(images) + 1, "file_name": name, "frame_id": frame})
            box = [round(float(value), 3) for value in tracks.boxes[face]]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": number_of[known.labels[row]],
                    "bbox": box,
                    "area": round(box[2] * box[3], 3),
                    "iscrowd": 0,
                    "attributes": {"video_id": video, "track_id": track},
                }
            )
    content = {
        "info": {"description": "people found by bcl_fast"},
        "images": list(images.values()),
        "annotations": annotations,
        "categories": [{"id": number, "name": name, "supercategory": "person"} for name, number in number_of.items()],
    }
    _write_json(content, path, force)
    return Exported(len(rows), notes)


def _write_json(content: Any, path: Path, force: bool) -> None:
    with atomic_output(path, force=force) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _write_mot(known: _Known, path: Path, force: bool) -> Exported:
    """Write a line per face: frame and identity from 1, box in pixels from 1, then confidence, class and visibility."""
    tracks, rows, notes = known.faces("mot")
    assert tracks.boxes is not None
    assert tracks.frames is not None
    number_of = known.numbers_of(rows)
    lines: dict[str, dict[tuple[int, int], str]] = {}
    n_twice = 0
    for row in rows.tolist():
        video, person = str(known.result.video_ids[row]), number_of[known.labels[row]]
        if Path(video).name != video or video in (".", "..", "people.csv") or "\0" in video:
            raise InputError(f"mot has a folder for each video, got the video {video!r}")
        of_video = lines.setdefault(video, {})
        for face in known.faces_of_row(row):
            key = int(tracks.frames[face]) + 1, person
            box = ",".join(f"{value:.2f}" for value in (tracks.boxes[face] + MOT_ORIGIN).tolist())
            n_twice += key in of_video
            of_video.setdefault(key, f"{key[0]},{person},{box},1,1,1")
    if n_twice:
        notes.append(f"{counted(n_twice, 'face')} left out: a person has one box in a frame")
    path.mkdir(exist_ok=True)
    for video, of_video in lines.items():
        (path / video / "gt").mkdir(parents=True)
        with atomic_output(path / video / "gt" / "gt.txt") as temporary:
            temporary.write_text("".join(f"{of_video[key]}\n" for key in sorted(of_video)), encoding="utf-8")
    with (
        atomic_output(path / "people.csv", force=force) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        write_csv(file, ["id", "label"], ((number, name) for name, number in number_of.items()))
    return Exported(len(rows), notes)


def _write_labelstudio(known: _Known, path: Path, force: bool) -> Exported:
    assert known.tracks is not None
    check_output(path.with_suffix(".xml"), force=force)
    rows = np.flatnonzero(known.track_of_row >= 0)
    tasks = [_task(known, row) for row in rows.tolist()]
    n_bare = sum(task["data"]["image"] == "" for task in tasks)
    notes = [f"{counted(n_bare, 'track')} without a picture"] if n_bare else []
    with atomic_outputs(path.parent, [path.name, path.with_suffix(".xml").name], force=force) as (tasks_file, config):
        tasks_file.write_text(json.dumps(tasks, ensure_ascii=False, indent=1), encoding="utf-8")
        config.write_text(LABEL_CONFIG, encoding="utf-8")
    return Exported(len(rows), notes)


def _task(known: _Known, row: int) -> dict[str, Any]:
    """Return a task of Label Studio: the central face of a track, and who it is by the result."""
    assert known.tracks is not None
    face = central_face(known.tracks, int(known.track_of_row[row]))
    image = "" if known.tracks.images is None else known.tracks.images[face]
    video, track, label = (str(names[row]) for names in (known.result.video_ids, known.result.track_ids, known.labels))
    data = {"image": image, "video_id": video, "track_id": track}
    person = {"from_name": "person", "to_name": "face", "type": "textarea", "value": {"text": [label]}}
    predictions = [{"model_version": "bcl_fast", "result": [{"id": "person", **person}]}] if label else []
    return {"data": data, "predictions": predictions}


def _write_fiftyone(known: _Known, path: Path, force: bool) -> Exported:
    assert known.tracks is not None
    pictures = Pictures(known.tracks, known.folder)
    labels: dict[str, str | None] = {}
    path.mkdir(exist_ok=True)
    (path / "data").mkdir()
    for row in np.flatnonzero(known.track_of_row >= 0).tolist():
        picture = pictures.of_track(int(known.track_of_row[row]))
        if picture is not None:
            labels[f"{row:08d}"] = known.labels[row] or None
            with atomic_output(path / "data" / f"{row:08d}.jpg") as temporary:
                temporary.write_bytes(picture)
    if not labels:
        (path / "data").rmdir()
        path.rmdir()
        raise InputError("fiftyone shows pictures, and none of the tracks has one")
    _write_json({"classes": None, "labels": labels}, path / "labels.json", force)
    n_out = known.result.n_tracks - len(labels)
    return Exported(len(labels), [f"{counted(n_out, 'track')} without a picture left out"] if n_out else [])


_WRITERS: dict[str, Callable[[_Known, Path, bool], Exported]] = {
    "csv": _write_csv,
    "coco": _write_coco,
    "mot": _write_mot,
    "labelstudio": _write_labelstudio,
    "fiftyone": _write_fiftyone,
}
