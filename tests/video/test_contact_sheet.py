"""The picture of everybody."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bcl_fast import InputError, TrackSet
from bcl_fast.results import describe_clusters, representative_faces
from bcl_fast.video import write_contact_sheet


def jpeg(colour: tuple[int, int, int], side: int = 112) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0)]


def tracks(images: list[str]) -> TrackSet:
    """Tracks of two faces with the same features, of which the second has a picture."""
    features = np.repeat(np.eye(len(images)), 2, axis=0)
    paired = [image for picture in images for image in ("", picture)]
    return TrackSet.from_arrays(features, np.arange(0, 2 * len(images) + 1, 2), images=np.array(paired, object))


def sheet(path: Path, images: list[str], clusters: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    people = tracks(images)
    assert write_contact_sheet(describe_clusters(people, people.mean_features(), clusters), people, path) > 0
    with Image.open(path) as found:
        return np.asarray(found.convert("RGB"))


def test_a_row_of_faces_for_each_cluster_the_largest_first(tmp_path: Path) -> None:
    found = sheet(tmp_path / "people.png", [jpeg(colour) for colour in COLOURS], [0, 1, 1, 1])
    assert found.shape == (2 * 118 + 6, 200 + 3 * 118 + 6, 3)
    faces = [found[62 + 118 * row, 256 + 118 * column] for row, column in ((0, 0), (0, 1), (0, 2), (1, 0))]
    order = [int(np.argmin(np.abs(np.array(COLOURS) - face).sum(axis=1))) for face in faces]
    assert sorted(order[:3]) == [1, 2, 3]
    assert order[3] == 0
    assert (found[62 + 118, 256 + 118] == 255).all()  # the cluster of one has no second face


@pytest.mark.parametrize(
    "image",
    ["/etc/passwd", "https://example.org/a.jpg", "data:image/jpeg;base64,@", "data:image/jpeg;base64,AAAA", "x" * 3000],
)
def test_what_is_no_picture_of_ours_is_a_grey_field(tmp_path: Path, image: str) -> None:
    found = sheet(tmp_path / "people.png", [image], [0])
    assert (found[62, 256] == 200).all()


def test_a_picture_that_claims_to_be_large_is_not_decoded(tmp_path: Path) -> None:
    found = sheet(tmp_path / "people.png", [jpeg((250, 0, 0), side=600)], [0])
    assert (found[62, 256] == 200).all()


def test_names_of_any_kind(tmp_path: Path) -> None:
    from dataclasses import replace

    people = tracks([jpeg(COLOURS[0])])
    result = describe_clusters(people, people.mean_features(), [0])
    for name in ("A name that goes on and on and on", "\x1b[2J\n", "李小龙", ""):
        write_contact_sheet(replace(result, names=np.array([name], object)), people, tmp_path / "p.jpg", force=True)


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    people = tracks([jpeg(COLOURS[0])])
    result = describe_clusters(people, people.mean_features(), [0])
    with pytest.raises(InputError, match=r"ends in .jpg or .png, got 'people.gif'"):
        write_contact_sheet(result, people, "people.gif")
    (tmp_path / "people.jpg").touch()
    with pytest.raises(InputError, match="exists already"):
        write_contact_sheet(result, people, tmp_path / "people.jpg")
    with pytest.raises(InputError, match="per_cluster must be at least 1"):
        write_contact_sheet(result, people, tmp_path / "other.jpg", per_cluster=0)


def test_the_face_that_stands_for_a_track_has_a_picture() -> None:
    people = tracks([jpeg(colour) for colour in COLOURS])
    result = describe_clusters(people, people.mean_features(), [0, 1, 2, 3])
    assert representative_faces(result, people, 1).tolist() == [1, 3, 5, 7]
