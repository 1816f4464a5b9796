"""`extract`: what it writes, and that runs which were stopped end with the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bcl_fast import InputError, read_result, read_tracks
from bcl_fast.tracks import RECOGNIZER_KEY
from bcl_fast.video import ExtractionOptions, ExtractionProgress, extract
from bcl_fast.video import _look as look
from tests.helpers.cli import refused, run
from tests.helpers.films import clip, clip_file, mirrored, plain, write_film

Writer = Callable[..., Path]


@pytest.fixture
def tiny(write_recognizer: Writer) -> ExtractionOptions:
    return ExtractionOptions(recognizer=str(write_recognizer()))


def test_the_rows(tmp_path: Path, tiny: ExtractionOptions) -> None:
    path = tmp_path / "tracks.parquet"
    found = extract(clip_file(3), path, options=tiny, n_jobs=1)
    assert (found.n_tracks, found.n_short, found.n_frames, found.n_damaged) == (3, 0, 41, 0)
    table = pq.read_table(path)
    rows = table.to_pylist()
    assert [row["frame"] for row in rows] == sorted(row["frame"] for row in rows)
    assert len(rows) == 3 * 41
    looked = {row["frame"] for row in rows if row["score"] is not None}
    assert looked == set(range(0, 41, 2))
    pictured = [row for row in rows if row["image"]]
    assert {row["track_id"] for row in pictured} == {"1", "2", "3"}
    assert all(row["image"].startswith("data:image/jpeg;base64,") for row in pictured)
    assert rows[0]["seconds"] == 0.0
    assert rows[-1]["seconds"] == pytest.approx(3.33)
    assert json.loads(table.schema.metadata[b"bcl_fast.extraction"])["stride"] == 2
    assert len(table.schema.metadata[RECOGNIZER_KEY]) == 16
    tracks = read_tracks(path)
    assert tracks.recognizer == table.schema.metadata[RECOGNIZER_KEY].decode()
    assert not (tmp_path / "tracks.parquet.partial").exists()


def test_between_two_looks_a_box_moves_on_a_straight_line(tmp_path: Path, tiny: ExtractionOptions) -> None:
    path = tmp_path / "tracks.parquet"
    extract(clip_file(2), path, options=tiny, n_jobs=1)
    tracks = read_tracks(path)
    assert tracks.boxes is not None
    boxes = tracks.boxes[tracks.offsets[0] : tracks.offsets[1]]
    np.testing.assert_allclose(boxes[1:54:2], (boxes[0:53:2] + boxes[2:55:2]) / 2, atol=1e-3)


class _StoppedError(Exception):
    """What ends a run in a test."""


def stop_at(number: int) -> Callable[[ExtractionProgress], None]:
    def stop(progress: ExtractionProgress) -> None:
        if progress.n_frames == number:
            raise _StoppedError

    return stop


def test_runs_that_were_stopped_end_with_the_same_bits(
    tmp_path: Path, tiny: ExtractionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "CHECKPOINT_FRAMES", 10)
    two, three = clip(2), clip(3)
    film = write_film(tmp_path / "film.mp4", two + three[::-1] + mirrored(two), bf="2", g="30")
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    extract(film, whole, options=tiny, n_jobs=1)
    for number in (5, 12, 31, 58, 99, 141, 152):
        with pytest.raises(_StoppedError):
            extract(film, parts, options=tiny, n_jobs=1, progress=stop_at(number))
        assert not parts.exists()
    numbers: list[int] = []
    extract(film, parts, options=tiny, n_jobs=1, progress=lambda progress: numbers.append(progress.n_frames))
    assert numbers == [151, 152, 153]  # all else was done
    assert parts.read_bytes() == whole.read_bytes()


def test_checkpoints_change_nothing_but_segments(
    tmp_path: Path, tiny: ExtractionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(clip_file(2), tmp_path / "one.parquet", options=tiny, n_jobs=1)
    monkeypatch.setattr(look, "CHECKPOINT_FRAMES", 7)
    extract(clip_file(2), tmp_path / "many.parquet", options=tiny, n_jobs=1)
    one, many = (read_tracks(tmp_path / f"{name}.parquet") for name in ("one", "many"))
    assert many.n_tracks == one.n_tracks == 2
    np.testing.assert_array_equal(many.frames, one.frames)
    np.testing.assert_array_equal(many.boxes, one.boxes)


KILLED = """
import os, signal, sys
from bcl_fast.video import ExtractionOptions, extract
from bcl_fast.video import _look
_look.CHECKPOINT_FRAMES = 10
def kill(progress):
    if progress.n_frames == 37:
        os.kill(os.getpid(), signal.SIGKILL)
extract(sys.argv[1], sys.argv[2], options=ExtractionOptions(recognizer=sys.argv[3]), n_jobs=1, progress=kill)
"""


def test_a_killed_run_is_taken_up(tmp_path: Path, tiny: ExtractionOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    film, output = clip_file(2), tmp_path / "tracks.parquet"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(film), str(output), tiny.recognizer], check=False)
    assert killed.returncode == -9
    assert sorted(path.name for path in (tmp_path / "tracks.parquet.partial" / "0000").glob("part*")) == [
        "part-000001.parquet",
        "part-000002.parquet",
        "part-000003.parquet",
    ]
    monkeypatch.setattr(look, "CHECKPOINT_FRAMES", 10)
    numbers: list[int] = []
    extract(film, output, options=tiny, n_jobs=1, progress=lambda progress: numbers.append(progress.n_frames))
    assert numbers[0] == 31
    extract(film, tmp_path / "whole.parquet", options=tiny, n_jobs=1)
    assert output.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_what_another_run_left_is_not_gone_on_with(
    tmp_path: Path, tiny: ExtractionOptions, write_recognizer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "CHECKPOINT_FRAMES", 10)
    output = tmp_path / "tracks.parquet"
    others = [
        ExtractionOptions(recognizer=tiny.recognizer, stride=3),
        ExtractionOptions(recognizer=str(write_recognizer("other", seed=1))),
    ]
    for other in others:
        with pytest.raises(_StoppedError):
            extract(clip_file(2), output, options=other, n_jobs=1, force=True, progress=stop_at(25))
        numbers: list[int] = []
        extract(
            clip_file(2),
            output,
            options=tiny,
            n_jobs=1,
            force=True,
            progress=lambda progress, numbers=numbers: numbers.append(progress.n_frames),  # type: ignore[misc]
        )
        assert numbers[0] == 1


def test_a_damaged_state_is_passed_over(
    tmp_path: Path, tiny: ExtractionOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "CHECKPOINT_FRAMES", 10)
    output = tmp_path / "tracks.parquet"
    with pytest.raises(_StoppedError):
        extract(clip_file(2), output, options=tiny, n_jobs=1, progress=stop_at(25))
    (state,) = (tmp_path / "tracks.parquet.partial" / "0000").glob("state*")
    state.write_bytes(state.read_bytes()[:-100])
    numbers: list[int] = []
    extract(clip_file(2), output, options=tiny, n_jobs=1, progress=lambda progress: numbers.append(progress.n_frames))
    assert numbers[0] == 1


def test_several_films_in_processes_are_as_one_after_the_other(tmp_path: Path, tiny: ExtractionOptions) -> None:
    films = [clip_file(2), clip_file(3)]
    extract(films, tmp_path / "one.parquet", options=tiny, n_jobs=1)
    extract(films, tmp_path / "two.parquet", options=tiny, n_jobs=2)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    tracks = read_tracks(tmp_path / "two.parquet")
    assert tracks.videos == [film.stem for film in films]
    assert tracks.n_tracks == 5


def test_a_part_of_a_film(tmp_path: Path, tiny: ExtractionOptions) -> None:
    film = write_film(tmp_path / "film.mp4", clip(2), rate=10)
    options = ExtractionOptions(recognizer=tiny.recognizer, start_seconds=1.0, stop_seconds=3.0)
    found = extract(film, tmp_path / "tracks.parquet", options=options, n_jobs=1)
    tracks = read_tracks(tmp_path / "tracks.parquet")
    assert found.n_frames == 20
    assert tracks.frames is not None
    assert (tracks.frames.min(), tracks.frames.max()) == (10, 29)


def test_pictures_are_shots_of_their_own(tmp_path: Path, tiny: ExtractionOptions) -> None:
    from PIL import Image

    for number, image in enumerate([clip(2)[0], clip(2)[1], clip(3)[0]]):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    found = extract(tmp_path, tmp_path / "tracks.parquet", options=tiny, n_jobs=1)
    assert (found.n_tracks, found.n_frames) == (7, 3)
    tracks = read_tracks(tmp_path / "tracks.parquet")
    assert tracks.frames is not None
    assert tracks.frames.tolist() == [0, 0, 1, 1, 2, 2, 2]


def test_smaller_faces_and_shorter_tracks_are_left_out(tmp_path: Path, tiny: ExtractionOptions) -> None:
    output = tmp_path / "tracks.parquet"
    large = ExtractionOptions(recognizer=tiny.recognizer, min_face=15)
    assert extract(clip_file(4), output, options=large, n_jobs=1).n_tracks == 2
    long = ExtractionOptions(recognizer=tiny.recognizer, min_frames=42)
    found = extract(clip_file(3), output, options=long, n_jobs=1, force=True)
    assert (found.n_tracks, found.n_short) == (0, 3)


def test_nobody(tmp_path: Path, tiny: ExtractionOptions) -> None:
    film = write_film(tmp_path / "film.mp4", plain(12))
    found = run("extract", film, "-o", tmp_path / "tracks.parquet", "--recognizer", tiny.recognizer)
    assert found.exit_code == 0
    assert "12 frames: 0 tracks" in found.stderr
    assert "no faces were found" in found.stderr
    assert pq.read_table(tmp_path / "tracks.parquet").num_rows == 0
    assert run("people", film, "-o", tmp_path / "people").exit_code == 0
    assert read_result(tmp_path / "people" / "clusters.parquet").n_tracks == 0
    assert (tmp_path / "people" / "people.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["film.mp4", "-o", "t.csv"], "written to a path that ends in .parquet, got 't.csv'"),
        (["none.mp4", "-o", "t.parquet"], "none.mp4: there is no such film or folder"),
        (
            ["film.mp4", "-o", "t.parquet", "--from", "2:00", "--to", "60"],
            "must begin before it ends, got 120.0 to 60.0",
        ),
        (
            ["film.mp4", "-o", "t.parquet", "--from", "1:2:3:4"],
            "a time is seconds or [hours:]minutes:seconds, got '1:2:3:4'",
        ),
        (["film.mp4", "-o", "t.parquet", "--recognizer", "facenet"], "a recognizer is 'dlib', a file NAME.onnx"),
        (
            ["film.mp4", "-o", "t.parquet", "--recognizer", "none.onnx"],
            "none.onnx does not exist or is not a file: recognis",
        ),
        (["film.mp4", "-o", "t.parquet", "--recognizer", "vggface2:none.pth"], "the authors publish the files"),
        (["film.mp4", "-o", "t.parquet", "--detector", "none.onnx"], "the face detector none.onnx does not exist"),
        (
            ["film.mp4", "-o", "t.parquet", "--device", "tpu"],
            "device must be 'cpu', 'cuda', 'cuda:<number>' or 'coreml'",
        ),
        (["text.mp4", "-o", "t.parquet"], "text.mp4: a film is wanted, this is something else"),
        (["empty", "-o", "t.parquet"], "empty: a folder of pictures"),
        (["film.mp4", "-o", "old.parquet"], "old.parquet exists already"),
        (["film.mp4", "text.mp4", "-o", "t.parquet"], "text.mp4: a film is wanted"),
    ],
)
def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "film.mp4", plain(5))
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "old.parquet").write_text("old")
    (tmp_path / "empty").mkdir()
    assert sentence in refused(tmp_path, "extract", *arguments)


def test_a_film_of_which_nothing_can_be_decoded(tmp_path: Path, tiny: ExtractionOptions) -> None:
    film = write_film(tmp_path / "film.mkv", plain(5), g="1")
    content = bytearray(film.read_bytes())
    start = content.index(b"\x1f\x43\xb6\x75")  # the cluster that holds the pictures
    content[start + 40 :] = bytes(len(content) - start - 40)
    film.write_bytes(bytes(content))
    sentence = refused(tmp_path, "extract", film, "-o", tmp_path / "t.parquet", "--recognizer", tiny.recognizer)
    assert "no frame of it can be decoded" in sentence or "is wanted" in sentence


def test_options_out_of_range() -> None:
    for options, sentence in [
        ({"stride": 0}, "stride must be at least 1"),
        ({"max_width": 10}, "max_width must be at least 64"),
        ({"min_score": 1.0}, "min_score must be between 0 and 1"),
        ({"min_face": -1.0}, "min_face must be 0 pixels or more"),
        ({"start_seconds": -1.0}, "must begin before it ends"),
    ]:
        with pytest.raises(InputError, match=sentence):
            ExtractionOptions(**options).check()  # type: ignore[arg-type]
