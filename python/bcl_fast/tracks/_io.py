"""Tracks of faces: put together, read and written in the formats people have.

- ``.parquet``: a row per face, the main format; ``-`` is Parquet on standard input or output.
- ``.npz``: arrays ``features`` and ``offsets`` or ``track_id``, with names per track or per face.
- ``.npy``: a matrix, memory-mapped; a row is a track of one face. Read only.
- a folder: the layout of the paper's authors, ``features/<video>/<track>.npy`` and ``ids/<video>.ids``. Read only.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks._authors_folder import read_folder
from bcl_fast.tracks._concatenate import concatenate
from bcl_fast.tracks._numpy import read_npy, read_npz, write_npz
from bcl_fast.tracks._parquet import read_parquet, write_parquet
from bcl_fast.tracks._track_set import TrackSet

_READABLE = (
    "a path that ends in .parquet, .npz or .npy, a folder with features/<video>/<track>.npy, "
    "or '-' (Parquet on standard input)"
)
_WRITABLE = "a path that ends in .parquet or .npz, or '-' (Parquet on standard output)"


def read_tracks(path: PathLike | Sequence[PathLike]) -> TrackSet:
    """Read tracks from a file or a folder, or from several that are put together in the order given.

    Tracks come in order of first appearance; faces that come as rows of a table are put in order of frames, if there
    are frames. Where nothing says which video a track is from, the video has the file's name without its suffix
    (``stdin`` for ``-``). The same track id in two videos is fine.

    Parameters
    ----------
    path : str or PathLike, or a sequence of them
        See the module for the formats; the suffix decides.

    Returns
    -------
    TrackSet
        Its features are a read-only memory map for one float32 ``.npy`` file.

    Raises
    ------
    InputError
        If a file is missing, broken or of no known format, tracks are not valid (see ``TrackSet.from_arrays``), the
        same (video, track) is in two files, or files do not go together. The message names the file.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    return concatenate([_read(one) for one in paths], names=[_called(one) for one in paths])


def _called(path: PathLike) -> str:
    return "standard input" if str(path) == "-" else str(path)


def _read(path: PathLike) -> TrackSet:
    try:
        return _read_stdin() if str(path) == "-" else _read_path(Path(path))
    except OSError as error:
        raise InputError(f"{_called(path)}: cannot be read ({error.strerror or error})") from None
    except InputError as error:
        raise InputError(f"{_called(path)}: {error}") from None


def _read_path(path: Path) -> TrackSet:
    if path.is_dir():
        return read_folder(path)
    if not path.exists():
        raise InputError("there is no such file or folder")
    suffix = path.suffix.lower()
    readers = {".parquet": read_parquet, ".npz": read_npz, ".npy": read_npy}
    if suffix not in readers:
        raise InputError(f"tracks must be {_READABLE}, got the suffix {suffix!r}")
    if path.stat().st_size == 0:
        raise InputError("the file is empty (0 bytes)")
    return readers[suffix](path, path.stem)


def _read_stdin() -> TrackSet:
    """Read through a temporary file: Parquet is read from its end, and a pipe cannot go back."""
    with tempfile.TemporaryFile() as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        if spool.tell() == 0:
            raise InputError("it is empty (0 bytes)")
        spool.seek(0)
        return read_parquet(cast(IO[bytes], spool), "stdin")


def write_tracks(tracks: TrackSet, path: PathLike, *, force: bool = False) -> None:
    """Write tracks to ``.parquet`` or ``.npz``, or as Parquet to standard output for ``-``.

    Nothing half-written is left: a file takes its name when it is complete.

    Parameters
    ----------
    tracks : TrackSet
    path : str or PathLike
    force : bool, default False
        Replace an existing file.

    Raises
    ------
    InputError
        If the suffix is not known, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if str(path) == "-":
        return _write_stdout(tracks)
    suffix = Path(path).suffix.lower()
    writers = {".parquet": write_parquet, ".npz": write_npz}
    if suffix not in writers:
        raise InputError(f"tracks are written to {_WRITABLE}, got {str(path)!r}")
    with atomic_output(path, force=force) as temporary:
        writers[suffix](tracks, temporary)


def _write_stdout(tracks: TrackSet) -> None:
    with tempfile.TemporaryFile() as spool:
        write_parquet(tracks, cast(IO[bytes], spool))
        spool.seek(0)
        shutil.copyfileobj(spool, sys.stdout.buffer)
    sys.stdout.buffer.flush()
