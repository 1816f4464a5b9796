"""No output of a command is one of its inputs, nor another output, by whatever names and links."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from bcl_fast._utils.locks import is_stream
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError

TRACK_SUFFIXES = (".parquet", ".feather", ".arrow", ".ipc", ".csv", ".tsv", ".npz", ".npy")  # read from folders


def check_separate(outputs: Iterable[PathLike | None], inputs: Iterable[PathLike | None]) -> None:
    """Check that no output is an input or another output; ``-``, devices, pipes and None are none.

    Raises
    ------
    InputError
        If two outputs are one file, an output is an input, or it would lie among the tracks of a folder that is one.
    """
    written, read = _files(outputs), _files(inputs)
    for place, output in enumerate(written):
        if any(_identity(output) == _identity(other) for other in written[:place]):
            raise InputError(f"two outputs are one file, {os.fspath(output)}: give each a name of its own")
        for path in read:
            _check_pair(output, path)


def _files(paths: Iterable[PathLike | None]) -> list[PathLike]:
    return [path for path in paths if path is not None and str(path) != "-" and not is_stream(path)]


def _check_pair(output: PathLike, path: PathLike) -> None:
    if _identity(output) == _identity(path):
        raise InputError(
            f"the output {os.fspath(output)} would overwrite the input {os.fspath(path)}: choose another name"
        )
    inner, outer = Path(os.path.realpath(output)), Path(os.path.realpath(path))
    if inner.suffix.lower() in TRACK_SUFFIXES and inner.is_relative_to(outer) and os.path.isdir(outer):
        raise InputError(
            f"the output {os.fspath(output)} would lie among the tracks of the input {os.fspath(path)} and be read as "
            "some of them: choose another folder"
        )


def _identity(path: PathLike) -> tuple[int, int] | str:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return found.st_dev, found.st_ino
