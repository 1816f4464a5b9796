"""Other tools' formats: each read by the tool's own reader where it can be had, and brought back with corrections."""

from __future__ import annotations

import csv
import json
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bcl_fast.errors import InputError
from bcl_fast.report import export_result, import_labels
from bcl_fast.results import apply_edits, cluster_tracks, name_clusters
from bcl_fast.tracks import Edits, TrackSet
from tests.helpers.pages import DEGREES, HOSTILE, IDS, THRESHOLD, film

FORMATS = {"csv": "r.csv", "coco": "r.json", "labelstudio": "r.json", "mot": "mot", "fiftyone": "fiftyone"}


@pytest.fixture
def tracks(tmp_path) -> TrackSet:
    found = film(tmp_path)
    corners = np.arange(2 * len(DEGREES)) * 3.0
    boxes = np.stack([corners, corners + 1, np.full_like(corners, 20), np.full_like(corners, 30)], axis=1)
    return replace(found, boxes=boxes.astype(np.float32))


@pytest.fixture
def result(tracks):
    clustered = cluster_tracks(tracks, tracks.mean_features(), THRESHOLD)
    edited = apply_edits(clustered, Edits(not_a_face=(("ep1", "k"),)))
    return name_clusters(edited, {0: "Ann", 1: "Bob, jr."})


def exported(result, tracks, folder, to):
    path = folder / FORMATS[to]
    export_result(result, path, to, tracks=tracks, pictures=folder)
    return path


def partition(result):
    labels = zip(result.cluster_ids.tolist(), result.names.tolist(), strict=True)
    groups: dict[tuple[int, str], str] = {}
    for track, label in zip(IDS, labels, strict=True):
        groups[label] = groups.get(label, "") + track
    return {(name, group) for (_, name), group in groups.items()}


BEFORE = {("Ann", "abcd"), ("Bob, jr.", "efg"), ("", "hi"), ("", "j"), ("", "k")}
AFTER = {("Ann", "abc"), ("Bob, jr.", "efgd"), ("Hilda", "hi"), ("", "j"), ("", "k")}
AFTER = {(name, "".join(sorted(group))) for name, group in AFTER}


def correct_csv(path: Path) -> None:
    with path.open() as file:
        rows = list(csv.reader(file))
    for row in rows:
        row[2] = {"cluster 2": "Hilda"}.get(row[2], row[2]) if row[1] != "d" else "Bob, jr."
    with path.open("w") as file:
        csv.writer(file).writerows(rows)


def correct_coco(path: Path) -> None:
    content = json.loads(path.read_text())
    numbers = {category["name"]: category["id"] for category in content["categories"]}
    for category in content["categories"]:
        category["name"] = {"cluster 2": "Hilda"}.get(category["name"], category["name"])
    for annotation in content["annotations"]:
        if annotation["attributes"]["track_id"] == "d":
            annotation["category_id"] = numbers["Bob, jr."]
    path.write_text(json.dumps(content))


def correct_labelstudio(path: Path) -> None:
    """Make annotations of the predictions, as people who label do."""
    tasks = json.loads(path.read_text())
    for task in tasks:
        person = {"from_name": "person", "to_name": "face", "type": "textarea"}
        for name, tracks in (("Hilda", "hi"), ("Bob, jr.", "d")):
            if task["data"]["track_id"] in tracks:
                task["annotations"] = [{"result": [{**person, "value": {"text": [name]}}]}]
    path.write_text(json.dumps(tasks))


def correct_mot(path: Path) -> None:
    people = (path / "people.csv").read_text()
    (path / "people.csv").write_text(people.replace("cluster 2", "Hilda"))
    numbers = {row[1]: row[0] for row in csv.reader(people.splitlines())}
    lines = [line.split(",") for line in (path / "ep1" / "gt" / "gt.txt").read_text().splitlines()]
    for line in lines:
        if int(line[0]) in (301, 361):  # the frames of d
            line[1] = numbers["Bob, jr."]
    (path / "ep1" / "gt" / "gt.txt").write_text("".join(",".join(line) + "\n" for line in lines))


def correct_fiftyone(path: Path) -> None:
    """Write what FiftyOne exports: classes, and the label of each picture as a number."""
    labels = json.loads((path / "labels.json").read_text())["labels"]
    labels = {name: {"cluster 2": "Hilda"}.get(label, label) for name, label in labels.items()}
    labels["00000003"] = "Bob, jr."
    classes = sorted({label for label in labels.values() if label})
    numbers = {name: label and classes.index(label) for name, label in labels.items()}
    (path / "labels.json").write_text(json.dumps({"classes": classes, "labels": numbers}))


@pytest.mark.parametrize("to", FORMATS)
def test_what_is_exported_and_not_touched_changes_nothing(result, tracks, tmp_path, to):
    edits = import_labels(result, exported(result, tracks, tmp_path, to), to, tracks=tracks)
    assert edits == Edits()


@pytest.mark.parametrize("to", FORMATS)
def test_corrections_come_back(result, tracks, tmp_path, to):
    assert partition(result) == BEFORE
    path = exported(result, tracks, tmp_path, to)
    globals()[f"correct_{to}"](path)
    edits = import_labels(result, path, to, tracks=tracks)
    assert {person.name for person in edits.people} == {"Ann", "Bob, jr.", "Hilda"}
    assert partition(apply_edits(result, edits)) == AFTER


@pytest.mark.parametrize("to", ["csv", "coco", "labelstudio"])
def test_hostile_names_come_back(tmp_path, to):
    tracks = film(tmp_path, ids=HOSTILE, videos=HOSTILE)
    tracks = replace(tracks, boxes=np.ones((2 * len(DEGREES), 4), np.float32))
    named = name_clusters(cluster_tracks(tracks, tracks.mean_features(), THRESHOLD), {0: HOSTILE[0], 1: HOSTILE[1]})
    path = exported(named, tracks, tmp_path, to)
    assert import_labels(named, path, to, tracks=tracks) == Edits()


def test_coco_is_read_by_pycocotools(result, tracks, tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    path = exported(result, tracks, tmp_path, "coco")
    with redirect_stdout(None):
        read = coco.COCO(str(path))
    names = {category["name"]: category["id"] for category in read.loadCats(read.getCatIds())}
    assert set(names) == {"Ann", "Bob, jr.", "cluster 2", "cluster 3"}
    anns = read.loadAnns(read.getAnnIds(catIds=[names["Ann"]]))
    assert sorted({annotation["attributes"]["track_id"] for annotation in anns}) == list("abcd")
    assert anns[0]["bbox"] == [0, 1, 20, 30]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its use of pandas
def test_mot_is_read_by_motmetrics(result, tracks, tmp_path):
    motmetrics = pytest.importorskip("motmetrics")
    path = exported(result, tracks, tmp_path, "mot")
    read = motmetrics.io.loadtxt(path / "ep1" / "gt" / "gt.txt", fmt=motmetrics.io.Format.MOT16)
    assert len(read) == 20
    assert read.loc[(1, 1)][["X", "Y", "Width", "Height"]].tolist() == [0, 1, 20, 30]
    people = {int(row["id"]): row["label"] for row in csv.DictReader((path / "people.csv").read_text().splitlines())}
    assert people[int(read.index[-1][1])] == "cluster 3"


def test_labelstudio_is_as_its_configuration_says(result, tracks, tmp_path):
    from xml.etree import ElementTree

    tasks = json.loads(exported(result, tracks, tmp_path, "labelstudio").read_text())
    view = ElementTree.parse(tmp_path / "r.xml").getroot()
    controls = {part.get("name"): part for part in view}
    assert len(tasks) == len(IDS)
    for task in tasks:
        assert {"image", "video_id", "track_id"} == set(task["data"])
        for part in task["predictions"][0]["result"]:
            assert controls[part["from_name"]].get("toName") == part["to_name"]
            assert controls[part["from_name"]].tag.lower() == part["type"]
    assert tasks[0]["predictions"][0]["result"][0]["value"] == {"text": ["Ann"]}


def test_fiftyone_is_a_classification_dataset(result, tracks, tmp_path):
    path = exported(result, tracks, tmp_path, "fiftyone")
    labels = json.loads((path / "labels.json").read_text())
    assert labels["labels"]["00000000"] == "Ann"
    assert labels["labels"]["00000010"] == "not a face"
    pictures = sorted((path / "data").iterdir())
    assert [picture.stem for picture in pictures] == sorted(labels["labels"])
    with Image.open(pictures[0]) as image:
        assert image.size == (96, 96)


def test_not_a_face_is_said_in_another_tool(result, tracks, tmp_path):
    path = exported(result, tracks, tmp_path, "csv")
    path.write_text(path.read_text().replace("ep1,j,cluster 3", "ep1,j,not a face"))
    assert import_labels(result, path, "csv").not_a_face == (("ep1", "j"),)


BAD = [
    ("csv", "a,b\n", "must have the columns video_id, track_id, label"),
    (
        "csv",
        "video_id,track_id,label\nep1,a,x\nep1,a,y\n",
        "must give each track one label, got 'x' and 'y' for track 'a'",
    ),
    ("csv", "video_id,track_id,label\nep9,a,x\n", "must label tracks of the result, got none of them"),
    ("coco", "{", "must be JSON"),
    ("coco", "[]", "must be as coco exports labels"),
    ("coco", '{"categories": [], "annotations": [{"attributes": {"track_id": "a", "video_id": "ep1"}}]}', "KeyError"),
    ("labelstudio", '[{"data": {}}]', "must be as labelstudio exports labels"),
    ("fiftyone", '{"labels": {"99": "x"}}', "must name pictures as they were exported, got '99'"),
]


@pytest.mark.parametrize(("form", "text", "sentence"), BAD)
def test_files_that_are_others_are_a_sentence(result, tmp_path, form, text, sentence):
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        import_labels(result, path, form)
    assert sentence in str(caught.value)


def test_what_a_format_needs_is_said(result, tracks, tmp_path):
    bare = replace(tracks, boxes=None, images=None)
    for to, sentence in (
        ("coco", "must have frames and x, y, w, h"),
        ("mot", "must have frames"),
        ("fiftyone", "picture"),
    ):
        with pytest.raises(InputError, match=sentence):
            exported(result, bare, tmp_path, to)
    with pytest.raises(InputError, match="give the tracks of the result"):
        export_result(result, tmp_path / "r.json", "coco")
    with pytest.raises(InputError, match=r"csv is exported to a file that ends in \.csv"):
        export_result(result, tmp_path / "r.json", "csv")
    wild = replace(tracks, video_ids=np.full(tracks.n_tracks, "../up", dtype=object))
    of_wild = replace(result, video_ids=wild.video_ids)
    with pytest.raises(InputError, match="mot has a folder for each video, got the video"):
        exported(of_wild, wild, tmp_path, "mot")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faces"]
