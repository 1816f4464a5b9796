"""Export clusters as files that FiftyOne and Label Studio import, to look at them and correct them there.

    python examples/export_for_labelling.py tracks.parquet clusters.csv --output export

Writes plain JSON and needs neither tool:

- ``export/fiftyone/data.json`` (where the images are) and ``labels.json``: a FiftyOneImageClassificationDataset with
  the cluster of each face that has an image; with ``--width`` and ``--height`` (of images that are whole frames) a
  FiftyOneImageDetectionDataset with the boxes. In Python::

      fiftyone.Dataset.from_dir("export/fiftyone", fiftyone.types.FiftyOneImageClassificationDataset,
                                data_path="data.json")

- ``export/label_studio.json``, tasks with predictions: Import in a project with the labelling interface of
  ``export/label_studio.xml``. Images must be reachable from Label Studio; ``--url`` is put before their paths.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from bcl_fast import TrackSet, read_tracks
from bcl_fast.errors import InputError
from bcl_fast.results import ClusteringResult, read_result


def clusters_of_faces(tracks: TrackSet, result: ClusteringResult) -> list[int]:
    """Cluster of each face, looked up by video and track."""
    known = dict(zip(zip(result.video_ids, result.track_ids, strict=True), result.cluster_ids, strict=True))
    keys = list(zip(tracks.video_ids, tracks.track_ids, strict=True))
    missing = [key for key in keys if key not in known]
    if missing:
        raise InputError(
            f"every track must have a cluster, got none for track {missing[0][1]} of video {missing[0][0]}"
        )
    per_track = [int(known[key]) for key in keys]
    return np.repeat(per_track, np.diff(tracks.offsets)).tolist()


def faces_with_images(tracks: TrackSet, result: ClusteringResult) -> list[dict[str, Any]]:
    """What there is to know of each face that has an image."""
    if tracks.images is None:
        raise InputError("the tracks must have images to look at, got none")
    track_of_face = np.repeat(np.arange(tracks.n_tracks), np.diff(tracks.offsets))
    clusters = clusters_of_faces(tracks, result)
    return [
        {
            "image": str(image),
            "track": str(tracks.track_ids[track_of_face[face]]),
            "video": str(tracks.video_ids[track_of_face[face]]),
            "cluster": f"cluster {clusters[face]}",
            "frame": None if tracks.frames is None else int(tracks.frames[face]),
            "box": None if tracks.boxes is None else [float(side) for side in tracks.boxes[face]],
        }
        for face, image in enumerate(tracks.images)
        if image
    ]


def relative_box(box: list[float], size: tuple[int, int]) -> list[float]:
    """A box in pixels as fractions of the image."""
    return [box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1]]


def fiftyone_label(face: dict[str, Any], size: tuple[int, int] | None) -> str | list[dict[str, Any]]:
    """The cluster of an image, or the face in it with its box and cluster."""
    if size is None or face["box"] is None:
        return face["cluster"]
    attributes = {name: face[name] for name in ("track", "video", "frame") if face[name] is not None}
    box = relative_box(face["box"], size)
    return [{"label": face["cluster"], "bounding_box": box, "attributes": attributes}]


def label_studio_task(face: dict[str, Any], url: str, size: tuple[int, int] | None) -> dict[str, Any]:
    choice = {"from_name": "cluster", "to_name": "image", "type": "choices", "value": {"choices": [face["cluster"]]}}
    results = [choice]
    if face["box"] is not None and size is not None:
        x, y, width, height = (100 * side for side in relative_box(face["box"], size))
        value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["face"]}
        shape = {"original_width": size[0], "original_height": size[1], "image_rotation": 0}
        results.append({"from_name": "box", "to_name": "image", "type": "rectanglelabels", **shape, "value": value})
    data = {"image": url + face["image"], "track": face["track"], "video": face["video"]}
    return {"data": data, "predictions": [{"model_version": "bcl_fast", "result": results}]}


def label_studio_interface(clusters: list[str]) -> str:
    choices = "\n".join(f"    <Choice value={quoteattr(cluster)}/>" for cluster in clusters)
    return f"""<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="box" toName="image"><Label value="face"/></RectangleLabels>
  <Choices name="cluster" toName="image" choice="single">
{choices}
  </Choices>
</View>
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracks")
    parser.add_argument("clusters")
    parser.add_argument("--output", type=Path, default=Path("export"))
    parser.add_argument("--url", default="", help="put before the paths of images for Label Studio")
    parser.add_argument("--width", type=int, help="of the images in pixels, if boxes are in them")
    parser.add_argument("--height", type=int)
    options = parser.parse_args()

    size = (options.width, options.height) if options.width and options.height else None
    faces = faces_with_images(read_tracks(options.tracks), read_result(options.clusters))
    if size is not None and any(face["box"] is None for face in faces):
        raise InputError("--width and --height want tracks with boxes, got none")
    clusters = sorted({face["cluster"] for face in faces}, key=lambda name: int(name.split()[1]))
    labels = {str(number): fiftyone_label(face, size) for number, face in enumerate(faces)}
    images = {str(number): face["image"] for number, face in enumerate(faces)}
    tasks = [label_studio_task(face, options.url, size) for face in faces]

    (options.output / "fiftyone").mkdir(parents=True, exist_ok=True)
    files = {
        "fiftyone/data.json": json.dumps(images, indent=1),
        "fiftyone/labels.json": json.dumps({"labels": labels}, indent=1),
        "label_studio.json": json.dumps(tasks, indent=1),
        "label_studio.xml": label_studio_interface(clusters),
    }
    for name, text in files.items():
        (options.output / name).write_text(text, encoding="utf-8")
    print(f"{len(faces)} faces in {len(clusters)} clusters -> {options.output}")


if __name__ == "__main__":
    main()
