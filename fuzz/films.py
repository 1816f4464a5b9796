"""Damaged films and pictures through the whole extraction: each gives tracks or one sentence, the process goes on.

Every case is a small film that is good (H.264 in MP4 and in Matroska, MPEG-4 in AVI, MPEG-2 in a transport stream, GIF)
or a picture, mutated by a seed and its number. Faces are looked for in what can be decoded of it. A worker runs the
cases; where it dies, its case is a failure and another worker goes on.

``python -m fuzz.films`` runs it alone; ``--seed 3 --case 1234`` repeats one case and shows its traceback.
"""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast.errors import InputError
from fuzz.damage import MUTATIONS
from fuzz.options import parse_options

CASES = 1000
_RESIDENT = 1 << 29  # bytes that all cases together may add to a worker's largest resident size


def write_good_films(folder: Path) -> None:
    """Write a film of each kind, of moving squares, and pictures."""
    import av

    images = [np.full((96, 128, 3), 40, np.uint8) for _ in range(30)]
    for number, image in enumerate(images):
        image[20 + number : 60 + number, 2 * number : 2 * number + 40] = 200
    kinds = {
        "h264.mp4": "libx264",
        "h264.mkv": "libx264",
        "mpeg4.avi": "mpeg4",
        "mpeg2.ts": "mpeg2video",
        "gif.gif": "gif",
    }
    for name, codec in kinds.items():
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 96, "rgb8" if codec == "gif" else "yuv420p"
            for image in images:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    for suffix in ("png", "jpg", "webp"):
        av.VideoFrame.from_ndarray(images[0], format="rgb24").to_image().save(folder / f"picture.{suffix}")


def _case(seed: int, number: int, seeds: Path) -> tuple[str, str]:
    """Return what a case came to (``read``, ``refused``, or what is wrong), and what it was."""
    from bcl_fast.video import extract

    rng = np.random.default_rng([seed, number])
    source = sorted(seeds.iterdir())[rng.integers(len(list(seeds.iterdir())))]
    data = bytearray(source.read_bytes())
    for _ in range(int(rng.choice([1, 1, 2, 5, 20]))):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](rng, data) if data else data
    with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / source.name
        path.write_bytes(data)
        try:
            extract(path, Path(folder) / "tracks.parquet", n_jobs=1)
        except InputError as error:
            left = sorted(file.name for file in Path(folder).iterdir() if file != path)
            is_sentence = "\n" not in str(error) and len(str(error)) < 1000 and not left
            return "refused" if is_sentence else "no sentence", f"{source.name}: {error} {left}"
        except BaseException:
            return "traceback", f"{source.name}\n{traceback.format_exc()}"
    return "read", source.name


def _worker(seed: int, first: int, last: int, seeds: Path, outcomes: Any) -> None:
    """Run cases, and report each before the next begins."""
    _case(seed, 0, seeds)  # imports what is needed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, last):
        outcomes.put((number, *_case(seed, number, seeds)))
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if grown > _RESIDENT:
            outcomes.put((number, "memory", f"the worker grew by {grown / 1e9:.1f} GB"))
            return
    outcomes.put((last, None, ""))


def run(seed: int = 0, cases: int = CASES) -> dict[str, int]:
    """Run cases and print their counts; failures go to standard error.

    Returns
    -------
    counts : dict of str to int
        ``read`` and ``refused`` are as it should be; anything else is a failure.
    """
    counts: Counter[str] = Counter()
    context, first = multiprocessing.get_context("spawn"), 0
    seeds = Path(tempfile.mkdtemp(prefix="bcl-fuzz-seeds-"))
    try:
        write_good_films(seeds)
        while first < cases:
            outcomes = context.SimpleQueue()
            worker = context.Process(target=_worker, args=(seed, first, cases, seeds, outcomes))
            worker.start()
            first = _collect(worker, outcomes, first, counts)
    finally:
        shutil.rmtree(seeds)
    found = ", ".join(f"{number:,} {kind}" for kind, number in counts.most_common())
    print(f"films: {cases:,} damaged files, seed {seed}: {found}")
    return dict(counts)


def _collect(worker: Any, outcomes: Any, first: int, counts: Counter[str]) -> int:
    """Count what a worker reports until it ends; return the case to go on with."""
    number = first
    while True:
        while outcomes.empty() and worker.is_alive():
            worker.join(0.01)
        if outcomes.empty():  # it died within a case
            counts["died"] += 1
            print(f"case {number} died with exit code {worker.exitcode}", file=sys.stderr)
            return number + 1
        place, kind, what = outcomes.get()
        if kind is None:
            worker.join()
            return int(place)
        counts[kind] += 1
        if kind not in ("read", "refused"):
            print(f"case {place}: {kind}: {what}", file=sys.stderr)
        number = place + 1
        if kind == "memory":
            worker.join()
            return int(place) + 1


def main() -> int:
    """Run the campaign, or one case of it."""
    options = parse_options(__doc__, CASES)
    if options.case is None:
        return int(bool(set(run(options.seed, options.cases)) - {"read", "refused"}))
    with tempfile.TemporaryDirectory() as seeds:
        write_good_films(Path(seeds))
        print(*_case(options.seed, options.case, Path(seeds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
