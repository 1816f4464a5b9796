"""Damaged films and pictures through the whole extraction: each gives tracks or one sentence, the process goes on.

Every case is a small film that is good (H.264 in MP4 and in Matroska, MPEG-4 in AVI, MPEG-2 in a transport stream, GIF)
or a picture, mutated by a seed and its number. Faces are looked for in what can be decoded of it. A worker runs the
cases; where it dies, its case is a failure and another worker goes on.

``python -m fuzz.films`` runs it alone; ``--seed 3 --case 1234`` repeats one case and shows its traceback.
"""

from __future__ import annotations

import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

from bcl_fast.errors import InputError
from fuzz.campaign import Campaign, Outcome
from fuzz.damage import MUTATIONS

CASES = 1000


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


def _case(seed: int, number: int, seeds: Path) -> Outcome:
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
            return Outcome("refused" if is_sentence else "no sentence", source.name, f"{error} {left}")
        except BaseException:
            return Outcome("traceback", source.name, traceback.format_exc())
    return Outcome("read", source.name)


def _prepare(seeds: Path) -> None:
    """Import what is needed."""
    _case(0, 0, seeds)


CAMPAIGN = Campaign("films", write_good_films, _prepare, _case)


def run(seed: int = 0, cases: int = CASES) -> dict[str, int]:
    """Run cases of the campaign; see `Campaign.run`."""
    return CAMPAIGN.run(seed, cases)


if __name__ == "__main__":
    CAMPAIGN.main(__doc__, CASES)
