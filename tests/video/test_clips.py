"""Real people in real clips: each is found, followed and kept apart, in films that are put together of the clips."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bcl_fast import ClusteringResult, TrackSet, read_result, read_tracks
from tests.helpers.cli import run
from tests.helpers.films import (
    Images,
    beside,
    blurred,
    clip,
    clip_file,
    crossing_faces,
    dissolved,
    faded,
    mirrored,
    write_film,
)


class People(NamedTuple):
    tracks: TrackSet
    result: ClusteringResult

    @property
    def spans(self) -> list[tuple[int, int]]:
        spans = self.tracks.frame_spans()
        assert spans is not None
        return [(int(first), int(last)) for first, last in spans]


def people_of(film: Path, folder: Path, *options: object) -> People:
    found = run("people", film, "-o", folder / "people", "--jobs", "1", *options)
    assert found.exit_code == 0, found.output
    return People(
        read_tracks(folder / "people" / "tracks.parquet"), read_result(folder / "people" / "clusters.parquet")
    )


@pytest.mark.parametrize("n_people", [2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2])
def test_everybody_in_view_all_the_time(tmp_path: Path, n_people: int, stride: int) -> None:
    found = people_of(clip_file(n_people), tmp_path, "--stride", stride)
    assert found.tracks.n_tracks == n_people
    assert found.result.n_clusters == n_people
    n_frames = len(clip(n_people))
    for first, last, n_faces in zip(*np.transpose(found.spans), np.diff(found.tracks.offsets), strict=True):
        assert n_faces >= 0.98 * n_frames
        assert n_faces == len(range(first, last + 1))  # no frame twice


def film_of(name: str) -> tuple[Images, int, list[int]]:
    """Images, people, and the frames that begin a shot. The dark-haired woman is in the clips of 2 and of 3."""
    two, three, four = clip(2), clip(3), clip(4)
    films = {
        "cut": lambda: (two + three, 4, [len(two)]),
        "mirrored": lambda: (two + mirrored(two), 2, [len(two)]),
        "reversed and mirrored": lambda: (three + mirrored(three[::-1]), 3, [len(three)]),
        "reversed": lambda: (two + two[::-1], 2, []),
        "small faces": lambda: (four + mirrored(four), 4, [len(four)]),
        "together": lambda: (beside(two, four), 6, []),
        "blurred": lambda: (two + blurred(mirrored(two), 1.5), 2, [len(two)]),
        "fades": lambda: (faded(two) + faded(three), 4, [len(two)]),
        "dissolves": lambda: (dissolved(two, three), 4, []),
        "comes back": lambda: (two[:20] + gone(two[20:36]) + two[36:], 2, []),
    }
    return films[name]()


def gone(images: Images) -> Images:
    """The clip of 2 without the person on the left."""
    found = [image.copy() for image in images]
    for image in found:
        image[:, :240] = image[10:11, 200:201]
    return found


@pytest.mark.parametrize(
    "name",
    [
        "cut",
        "mirrored",
        "reversed and mirrored",
        "reversed",
        "small faces",
        "together",
        "blurred",
        "fades",
        "dissolves",
        "comes back",
    ],
)
def test_films_of_clips(tmp_path: Path, name: str) -> None:
    images, n_people, cuts = film_of(name)
    found = people_of(write_film(tmp_path / "film.mp4", images), tmp_path)
    assert found.result.n_clusters == n_people
    assert not [(cut, span) for cut in cuts for span in found.spans if span[0] < cut <= span[1]]


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_in_the_pixels_cuts_no_track(tmp_path: Path, seed: int) -> None:
    """Another processor or decoder gives other last bits; faces that touch are compared often."""
    draw = np.random.default_rng(seed)
    images, n_people, _ = film_of("together")
    noisy = [np.clip(image + draw.integers(-6, 7, image.shape), 0, 255).astype(np.uint8) for image in images]
    found = people_of(write_film(tmp_path / "film.mp4", noisy), tmp_path)
    assert found.result.n_clusters == found.tracks.n_tracks == n_people


def test_two_people_who_cross_are_never_one_track(tmp_path: Path) -> None:
    found = people_of(write_film(tmp_path / "film.mp4", crossing_faces(clip(2))), tmp_path)
    assert found.result.n_clusters == 2
    assert found.tracks.boxes is not None
    assert found.tracks.frames is not None
    shares = found.tracks.frames / 55
    lines = np.stack([47 + 271 * shares, 352 - 334 * shares])  # of the left edges
    near = np.abs(lines - found.tracks.boxes[:, 0]) < 45
    whose = [near[:, start:stop].all(axis=1) for start, stop in itertools.pairwise(found.tracks.offsets)]
    assert all(is_one.any() for is_one in whose)
    people = {(bool(is_one[0]), int(cluster)) for is_one, cluster in zip(whose, found.result.cluster_ids, strict=True)}
    assert len(people) == 2


def test_one_person_has_one_number_in_all_shots_and_films(tmp_path: Path) -> None:
    two, three = clip(2), clip(3)
    write_film(tmp_path / "a.mp4", two + mirrored(three))
    write_film(tmp_path / "b.mp4", mirrored(two))
    found = run("people", tmp_path / "a.mp4", tmp_path / "b.mp4", "-o", tmp_path / "people", "--jobs", "1")
    assert found.exit_code == 0, found.output
    result = read_result(tmp_path / "people" / "clusters.parquet")
    assert result.n_clusters == 4
    of_b = set(result.cluster_ids[result.video_ids == "b"])
    assert of_b <= set(result.cluster_ids[result.video_ids == "a"])
    assert len(of_b) == 2
