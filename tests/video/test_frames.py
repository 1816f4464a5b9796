"""Frames of films and pictures: numbers and times, rotation, damage, and taking a film up again."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bcl_fast import InputError
from bcl_fast.video import _film as film_module
from bcl_fast.video._ahead import read_ahead
from bcl_fast.video._frames import Frame, Position, Size, open_source
from bcl_fast.video._shots import ShotDetector
from tests.helpers.films import clip_file, plain, write_film


def frames_of(path: Path, position: Position = Position(), start_seconds: float = 0.0) -> list[Frame]:  # noqa: B008
    return list(open_source(path).frames(position, start_seconds))


def bars(frames: list[Frame]) -> list[int]:
    """The number that each frame of `plain` shows."""
    return [int((frame.picture[4, :, 0] > 170).sum()) - 1 for frame in frames]


def test_numbers_and_times_of_a_variable_rate(tmp_path: Path) -> None:
    times = [0, 40, 90, 200, 210, 700]
    frames = frames_of(write_film(tmp_path / "film.mkv", plain(6), times=times))
    assert [frame.number for frame in frames] == list(range(6))
    assert [round(1000 * frame.seconds) for frame in frames] == times


def test_gif_and_its_rate() -> None:
    source = open_source(clip_file(4))
    frames = list(source.frames(Position()))
    assert len(frames) == source.n_frames == 45
    assert frames[0].size == Size(480, 270)
    assert frames[44].seconds == pytest.approx(2.93)


def test_a_frame_that_is_stored_lying_is_turned(tmp_path: Path) -> None:
    import av

    upright = np.zeros((96, 64, 3), np.uint8)
    upright[:48] = 200  # light above
    path = tmp_path / "film.mp4"
    write_film(path, [np.rot90(upright, -1)] * 3)
    turned = tmp_path / "turned.mp4"
    with av.open(str(path)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a rotation")
        stream.set_display_rotation(90)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    frame = frames_of(turned)[0]
    assert frame.size == Size(64, 96)
    assert frame.scaled(Size(32, 48))[:20].mean() > 150


class Lying:
    """A decoded frame that is to be turned by a quarter against the clock."""

    rotation, width, height, pts = 90, 4, 2, 0


def test_turning_is_against_the_clock() -> None:
    class Converted:
        def convert(self, decoded: Any, size: Size | None) -> Any:
            assert size in (None, Size(4, 2))
            return np.arange(8, dtype=np.uint8).reshape(2, 4, 1)

    frame = Frame(Lying(), 0, 0.0, Converted())  # type: ignore[arg-type]
    assert frame.size == Size(2, 4)
    assert frame.picture[..., 0].tolist() == [[3, 7], [2, 6], [1, 5], [0, 4]]
    np.testing.assert_array_equal(frame.scaled(Size(2, 4)), frame.picture)


@pytest.mark.parametrize(("codec", "suffix"), [("libx264", ".mp4"), ("mpeg4", ".avi"), ("libx264", ".mkv")])
def test_taken_up_anywhere_it_is_the_same_film(tmp_path: Path, codec: str, suffix: str) -> None:
    options = {"bf": "2", "g": "25"} if codec == "libx264" else {"g": "12"}
    path = write_film(tmp_path / f"film{suffix}", plain(200, width=240), rate=10, codec=codec, **options)
    whole = frames_of(path)
    assert bars(whole) == list(range(200))
    for number in (1, 24, 130, 199):
        frames = frames_of(path, Position(number, whole[number].pts))
        assert [frame.number for frame in frames] == list(range(number, 200))
        np.testing.assert_array_equal(frames[0].picture, whole[number].picture)


def test_taken_up_by_counting_where_no_time_stamp_helps(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", plain(30))
    assert bars(frames_of(path, Position(20, 123456789))) == list(range(20, 30))
    assert bars(frames_of(path, Position(20, -1))) == list(range(20, 30))


def test_from_a_time_on_frames_keep_their_numbers(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", plain(40), rate=10, bf="2")
    frames = frames_of(path, start_seconds=1.25)
    assert [frame.number for frame in frames] == list(range(13, 40)) == bars(frames)
    assert frames[0].seconds == pytest.approx(1.3)
    assert frames_of(path, start_seconds=100.0) == []


def test_damage_is_left_out_and_counted(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mkv", plain(120), rate=10, g="10")
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 3, len(content) // 2, 97):
        content[place] ^= 0xFF
    path.write_bytes(bytes(content))
    source = open_source(path)
    frames = list(source.frames(Position()))
    assert 0 < len(frames) <= 120
    assert source.n_damaged > 0


@pytest.mark.parametrize("length", [0, 10, 1000])
def test_what_is_left_of_a_film(tmp_path: Path, length: int) -> None:
    path = write_film(tmp_path / "film.mp4", plain(30))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match=r"film.mp4: a film is wanted, this is something else or damaged"):
        open_source(path)


def test_a_record_is_no_film(tmp_path: Path) -> None:
    import av

    path = tmp_path / "song.mka"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match=r"song.mka: a film with moving pictures is wanted, got only sound"):
        open_source(path)


def test_an_encrypted_film(tmp_path: Path) -> None:
    path = write_film(tmp_path / "film.mp4", plain(5))
    content = path.read_bytes()
    assert content.count(b"avc1") >= 1
    marker = content.index(b"avc1", content.index(b"stsd"))
    path.write_bytes(content[:marker] + b"encv" + content[marker + 4 :])
    with pytest.raises(InputError, match=r"encrypted|cannot be decoded|something else"):
        list(open_source(path).frames(Position()))


def test_a_play_list_is_not_followed(tmp_path: Path) -> None:
    write_film(tmp_path / "other.mp4", plain(5))
    for name, text in {
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n",
        "list.ffconcat": "ffconcat version 1.0\nfile other.mp4\n",
    }.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="a film is wanted"):
            open_source(tmp_path / name)


def test_sizes_are_bounded_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "film.mp4", plain(5))
    monkeypatch.setattr(film_module, "MOST_PIXELS", 96 * 64 - 1)
    with pytest.raises(InputError, match=r"frames of at most 6,143 pixels are wanted, got 96 x 64"):
        open_source(path)
    monkeypatch.setattr(film_module, "MOST_PIXELS", 96 * 64)
    monkeypatch.setattr(film_module, "LONGEST_SECONDS", 0.1)
    with pytest.raises(InputError, match=r"a film of at most 1,000 hours is wanted"):
        open_source(path)


def test_pictures_in_the_order_that_people_count_in(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        write_picture(tmp_path / f"IMG_{number}.png", plain(number)[number - 1])
    (tmp_path / "IMG_3.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not a picture")
    source = open_source(tmp_path)
    frames = list(source.frames(Position()))
    assert bars(frames) == [0, 1, 9]
    assert [frame.number for frame in frames] == [0, 1, 3]  # the place of each in the folder
    assert (source.n_frames, source.n_damaged, source.is_film) == (4, 1, False)
    assert [frame.number for frame in source.frames(Position(2, -1))] == [3]
    assert list(open_source(tmp_path, sequence=True).frames(Position()))[2].seconds == pytest.approx(3 / 25)


def write_picture(path: Path, image: Any) -> None:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())


def test_a_picture_that_a_phone_took_is_upright(tmp_path: Path) -> None:
    from PIL import Image

    upright = np.zeros((90, 60, 3), np.uint8)
    upright[:45] = 200
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned clockwise
    Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "photo.jpg", exif=turned)
    frame = frames_of(tmp_path / "photo.jpg")[0]
    assert frame.size == Size(60, 90)
    assert frame.picture[:40].mean() > 190
    assert frame.picture[50:].mean() < 10


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder of pictures \(.jpg, .*\) is wanted, got none in it"):
        open_source(tmp_path)


def test_shots_begin_at_cuts_and_where_it_is_dark(tmp_path: Path) -> None:
    bright, other = plain(10, colour=200), plain(10, colour=90)
    black = [np.zeros_like(bright[0])] * 5
    path = write_film(tmp_path / "film.mp4", [*bright, *other, *black, *other], crf="10")
    detector = ShotDetector()
    frames = frames_of(path)
    assert [frame.number for frame in frames if detector.begins(frame)] == [0, 10, 20, 25]
    again = ShotDetector()
    again.begins(frames[9])
    assert again.begins(frames[10])
    assert not again.begins(frames[11])


def test_reading_ahead_keeps_order_and_errors() -> None:
    def numbers() -> Any:
        yield from range(5)
        raise ValueError("the end")

    ahead = read_ahead(numbers(), 2, lambda _: 1, 100)
    assert [next(ahead) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="the end"):
        next(ahead)


def test_reading_ahead_is_bounded_and_stops() -> None:
    taken: list[int] = []

    def numbers() -> Any:
        for number in range(1000):
            taken.append(number)
            yield number

    ahead = read_ahead(numbers(), 100, lambda _: 40, 100)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2]
    ahead.close()
    assert len(taken) <= 3 + 2 + 2  # three were taken, two wait, one is in hand


def test_nothing_is_opened_but_the_file(tmp_path: Path) -> None:
    """A name that looks like a protocol of the library is a file's."""
    path = write_film(tmp_path / "film.mp4", plain(3))
    odd = tmp_path / "concat:film.mp4|film.mp4"
    odd.write_bytes(path.read_bytes())
    assert len(frames_of(odd)) == 3
