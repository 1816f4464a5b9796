"""What a video is called where nothing in its file says it: by the file's path, as much of it as tells files apart.

A file alone has the name of the file without its suffix. Of ``ep1/faces.npy`` and ``ep2/faces.npy`` that would make one
video: they are ``ep1/faces`` and ``ep2/faces``. A folder ``video_id=ep1`` on the way to a file names its video.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath
from urllib.parse import unquote

from bcl_fast.tracks._names import name_of_path

STANDARD_INPUT = PurePath("-")  # has no path that would tell it from another time's
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def hive_keys(path: PurePath) -> dict[str, str]:
    """Return what the folders of a path say in the form ``key=value``, as Hive, Spark and DuckDB write data sets."""
    pairs = (part.split("=", 1) for part in path.parts[:-1] if "=" in part)
    return {key: name_of_path(unquote(value)) for key, value in pairs if value != _HIVE_NULL}


def path_names(path: PurePath) -> list[str]:
    """Return the names that a file may go by, shortest first: its own, with its folder, with that one's folder, ..."""
    parts = Path(os.path.abspath(path)).parts[1:]
    whole = [*(name_of_path(part) for part in parts[:-1]), name_of_path(path.stem)]
    names = ["/".join(whole[start:]) for start in reversed(range(len(whole)))]
    return [*names, f"{names[-1]}{name_of_path(path.suffix)}"]


def names_of_paths(paths: Sequence[PurePath]) -> list[str]:
    """Name each file so that no two files have one name; files of one name take as much of their paths as it takes."""
    names = [path_names(path) for path in paths]
    lengths = [0] * len(paths)
    while True:
        same: dict[str, list[int]] = defaultdict(list)
        for place, (candidates, length) in enumerate(zip(names, lengths, strict=True)):
            same[candidates[min(length, len(candidates) - 1)]].append(place)
        clashing = [places for places in same.values() if len({names[place][-1] for place in places}) > 1]
        if not clashing:
            return [c[min(length, len(c) - 1)] for c, length in zip(names, lengths, strict=True)]
        for places in clashing:
            for place in places:
                lengths[place] += 1
