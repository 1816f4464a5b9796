"""Where the time of an extraction goes, and what the stride costs in recall.

    python -m bench.video.film_speed [--clips ../shared/data/clips]

Films are made of the clips (forwards, mirrored and backwards, again and again), as they are and at 1920 x 1080. Times
are those of the processor in each stage, so that other work on the machine does not count; frames a second are by the
clock.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bcl_fast import read_tracks
from bcl_fast.video import ExtractionOptions, _dlib, _faces, _film, _look, _segments, _shots, _tracker, extract

STAGES: dict[str, list[tuple[Any, str]]] = {
    "decode": [(_film.Film, "_decoded")],
    "shots": [(_shots.ShotDetector, "begins")],
    "faces": [(_faces.FaceDetector, "detect")],
    "tracks": [(_tracker.Tracker, "follow")],
    "quality": [(_look, "quality")],
    "cutting out": [(_segments, "cut_out"), (_segments, "thumbnail")],
    "embeddings": [(_dlib.DlibRecognizer, "embed")],
}
STRIDES = (1, 2, 3, 5, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=Path("../shared/data/clips"))
    parser.add_argument("--frames", type=int, default=1000)
    arguments = parser.parse_args()
    clips = [read_clip(path) for path in sorted(arguments.clips.glob("*.gif"))]
    with tempfile.TemporaryDirectory() as folder:
        print(where_the_time_goes(clips, arguments.frames, Path(folder)))
        print()
        print(what_the_stride_costs(sorted(arguments.clips.glob("*.gif")), Path(folder)))


def where_the_time_goes(clips: list[list[Any]], n_frames: int, folder: Path) -> str:
    lines = [
        f"| ms of processor time a frame | {' | '.join(STAGES)} | all | frames/s |",
        f"|---{'|---:' * (len(STAGES) + 2)}|",
    ]
    for size in ((480, 270), (1920, 1080)):
        film = make_film(folder / f"{size[1]}.mp4", clips, n_frames if size[0] < 1000 else n_frames // 3, size)
        spent: Counter[str] = Counter()
        before, clock = time.process_time(), time.perf_counter()
        with timed(spent):
            found = extract(film, folder / "tracks.parquet", force=True)
        total, seconds = time.process_time() - before, time.perf_counter() - clock
        cells = [f"{1000 * spent[stage] / found.n_frames:.2f}" for stage in STAGES]
        cells += [f"{1000 * total / found.n_frames:.1f}", f"{found.n_frames / seconds:.0f}"]
        lines.append(
            f"| {size[0]} x {size[1]}, {found.n_frames} frames, {found.n_tracks} tracks | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def what_the_stride_costs(paths: list[Path], folder: Path) -> str:
    lines = ["| stride | tracks of 2, 3, 4 people | faces found of all |", "|---:|---|---:|"]
    for stride in STRIDES:
        n_tracks, n_faces, n_wanted = [], 0, 0
        for n_people, path in zip((4, 3, 2), paths, strict=True):
            options = ExtractionOptions(stride=stride)
            found = extract(path, folder / "tracks.parquet", options=options, force=True)
            n_tracks.append(found.n_tracks)
            n_faces += read_tracks(folder / "tracks.parquet").n_faces
            n_wanted += n_people * found.n_frames
        lines.append(f"| {stride} | {', '.join(map(str, n_tracks[::-1]))} | {n_faces / n_wanted:.1%} |")
    return "\n".join(lines)


@contextmanager
def timed(spent: Counter[str]) -> Iterator[None]:
    """Add up the processor time of the thread in each stage."""
    with ExitStack() as patches:
        for stage, places in STAGES.items():
            for owner, name in places:
                wrap = timed_generator if stage == "decode" else timed_call
                patches.enter_context(mock.patch.object(owner, name, wrap(getattr(owner, name), stage, spent)))
        yield


def timed_call(function: Callable[..., Any], stage: str, spent: Counter[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        before = time.thread_time()
        try:
            return function(*arguments, **options)
        finally:
            spent[stage] += time.thread_time() - before  # type: ignore[assignment]

    return call


def timed_generator(function: Callable[..., Any], stage: str, spent: Counter[str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any) -> Iterator[Any]:
        items = function(*arguments)
        while True:
            before = time.thread_time()
            item = next(items, None)
            spent[stage] += time.thread_time() - before  # type: ignore[assignment]
            if item is None:
                return
            yield item

    return call


def read_clip(path: Path) -> list[Any]:
    import av

    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def make_film(path: Path, clips: list[list[Any]], n_frames: int, size: tuple[int, int]) -> Path:
    """Write a film of shots: each clip forwards, mirrored, backwards, and again."""
    import av
    import cv2

    shots = [shot for clip in clips for shot in (clip, [image[:, ::-1] for image in clip], clip[::-1])]
    images = [image for shot in shots for image in shot]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        (stream.width, stream.height), stream.pix_fmt, stream.options = size, "yuv420p", {"crf": "20", "preset": "fast"}
        for number in range(n_frames):
            image = images[number % len(images)]
            image = image if size == (480, 270) else cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    main()
