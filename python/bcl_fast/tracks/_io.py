"""Tracks of faces: put together, read and written in the formats people have.

- ``.parquet``: a row per face, the main format; ``-`` is Parquet on standard input or output.
- ``.feather``, ``.arrow``, ``.ipc``, ``.csv``, ``.tsv``, and tables in memory: the same rows. Read only.
- ``.npz``: arrays ``features`` and ``offsets`` or ``track_id``, with names per track or per face.
- ``.npy``: a matrix, memory-mapped; a row is a track of one face. Read only.
- ``.txt``: boxes of a tracker as in the MOT challenge, ``frame,id,x,y,w,h``, with the embeddings in the ``.npy`` of the
  same name. Read only.
- a folder: the layout of the paper's authors, ``features/<video>/<track>.npy`` and ``ids/<video>.ids``; or files of the
  kinds above, at any depth, whose tables are read as one. Read only.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, NamedTuple, cast

from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.separate import TRACK_SUFFIXES
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks._authors_folder import read_folder
from bcl_fast.tracks._concatenate import concatenate
from bcl_fast.tracks._frames import Frame, as_arrow, is_frame
from bcl_fast.tracks._mot import MOT_SUFFIX, embeddings_beside, read_mot
from bcl_fast.tracks._numpy import read_npy, read_npz, write_npz
from bcl_fast.tracks._parquet import write_parquet
from bcl_fast.tracks._sources import TABLE_SUFFIXES, TableSource, open_source
from bcl_fast.tracks._table import Part, read_parts
from bcl_fast.tracks._track_set import TrackSet
from bcl_fast.tracks._video_names import STANDARD_INPUT, hive_keys, names_of_paths

_Source = PathLike | Frame
_READABLE = (
    f"a path that ends in {', '.join(TRACK_SUFFIXES)} or {MOT_SUFFIX} (boxes of a tracker), a folder of such "
    "files or with features/<video>/<track>.npy, or '-' (Parquet on standard input)"
)
_WRITABLE = "a path that ends in .parquet or .npz, or '-' (Parquet on standard output)"


class Reading(NamedTuple):
    """Tracks, and the files by whose paths videos are named because nothing else says what they are: by that name."""

    tracks: TrackSet
    paths: dict[str, Path]


class _File(NamedTuple):
    """A file, and what its video is called if nothing in it says that."""

    path: Path
    video: str


def read_tracks(path: _Source | Sequence[_Source]) -> TrackSet:
    """Read tracks from a file, a folder or a table, or from several that are put together in the order given.

    Tracks come in order of first appearance; faces that come as rows of a table are put in order of frames, if there
    are frames. A video is named by the column ``video_id`` or a folder ``video_id=...`` on the way to the file. Where
    nothing says it, the file is a video, and has the file's name without its suffix (``stdin`` for ``-``), and before
    it as much of its path as tells it from the other files: ``ep1/faces``, ``ep2/faces``. The same track id in two
    videos is fine.

    Parameters
    ----------
    path : str, PathLike or table, or a sequence of them
        See the module for the formats; the suffix decides. A table has a column per name, as Parquet files do: a pandas
        or polars DataFrame, a ``pyarrow.Table``, anything with ``__arrow_c_stream__``, or a dict of arrays.

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
    return read_with_paths(path).tracks


def read_with_paths(path: _Source | Sequence[_Source]) -> Reading:
    """Read tracks as `read_tracks` does, and say which videos are named by their paths."""
    is_one = isinstance(path, str | os.PathLike) or is_frame(path)
    given = [cast(_Source, path)] if is_one else list(cast("Sequence[_Source]", path))
    files = [_files(one) for one in given]
    names = iter(names_of_paths([file for part in files for file in part]))
    called = [_called(one, place if len(given) > 1 else None) for place, one in enumerate(given)]
    readings = []
    for one, part, name in zip(given, files, called, strict=True):
        try:
            readings.append(_read(one, [_File(file, next(names)) for file in part], name))
        except OSError as error:
            raise InputError(f"{name}: cannot be read ({error.strerror or error})") from None
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    _check_apart(readings, called)
    paths = {video: file for reading in readings for video, file in reading.paths.items()}
    return Reading(concatenate([reading.tracks for reading in readings], names=called), paths)


def _called(path: _Source, place: int | None) -> str:
    if is_frame(path):
        return "the table" if place is None else f"table {place}"
    return "standard input" if str(path) == "-" else str(path)


def _files(path: _Source) -> list[Path]:
    """Return the files that may name videos; none of the authors' folder, which names its videos itself."""
    if not isinstance(path, str | os.PathLike) or str(path) == "-" or (Path(path) / "features").is_dir():
        return []
    if not Path(path).is_dir():
        return [Path(path)]
    below = (file for file in sorted(Path(path).rglob("*")) if _is_tracks(file))
    return [file for file in below if not any(part[0] in "._" for part in file.relative_to(path).parts)]


def _is_tracks(file: Path) -> bool:
    """Whether a file of a folder is read: not other text, nor embeddings that belong to text."""
    suffix, boxes = file.suffix.lower(), file.with_suffix(MOT_SUFFIX)
    if suffix == MOT_SUFFIX:
        return embeddings_beside(file).is_file() and file.is_file()
    return suffix in TRACK_SUFFIXES and file.is_file() and not (suffix == ".npy" and boxes.is_file())


def _read(given: _Source, files: list[_File], called: str) -> Reading:
    if not isinstance(given, str | os.PathLike):
        video = called.removeprefix("the ").replace("table", "video")
        return Reading(read_parts([Part(TableSource(as_arrow(given)), video)])[0], {})
    if str(given) == "-":
        return _read_stdin()
    path = Path(given)
    if not path.exists():
        raise InputError("there is no such file or folder")
    if not path.is_dir():
        return _read_files(files)
    return _read_files(files, path) if files else Reading(read_folder(path), {})


def _read_files(files: list[_File], folder: Path | None = None) -> Reading:
    """Read files that are given as one: the tables as one table, then arrays."""
    tables = [file for file in files if file.path.suffix.lower() in TABLE_SUFFIXES]
    arrays = [file for file in files if file not in tables]
    readings = [_read_tables(tables, folder)] if tables else []
    called = [str(folder), *(str(file.path) for file in arrays)][-len(readings) - len(arrays) :]
    for file in arrays:
        try:
            readings.append(_read_array(file))
        except InputError as error:
            raise error if folder is None else InputError(f"in {file.path.relative_to(folder)} {error}") from None
    _check_apart(readings, called)
    paths = {video: path for reading in readings for video, path in reading.paths.items()}
    return Reading(concatenate([reading.tracks for reading in readings], names=called), paths)


def _read_tables(files: list[_File], folder: Path | None) -> Reading:
    with ExitStack() as opened:
        parts = []
        for file in files:
            _check_not_empty(file.path)
            try:
                source = opened.enter_context(open_source(file.path, file.path.suffix.lower()))
            except InputError as error:
                raise error if folder is None else InputError(f"in {file.path.relative_to(folder)} {error}") from None
            parts.append(Part(source, file.video, hive_keys(file.path)))
        tracks, are_named = read_parts(parts)
    by_path = {file.video: file.path for file, is_named in zip(files, are_named, strict=True) if not is_named}
    return Reading(tracks, by_path)


def _read_array(file: _File) -> Reading:
    _check_not_empty(file.path)
    suffix = file.path.suffix.lower()
    readers = {".npz": read_npz, ".npy": read_npy, MOT_SUFFIX: read_mot}
    if suffix not in readers:
        raise InputError(f"tracks must be {_READABLE}, got the suffix {suffix!r}")
    key = hive_keys(file.path).get("video_id")
    tracks = readers[suffix](file.path, key or file.video)
    by_path = {} if key is not None or tracks.videos != [file.video] else {file.video: file.path}
    return Reading(tracks, by_path)


def _check_not_empty(path: Path) -> None:
    if path.is_file() and path.stat().st_size == 0 and path.suffix.lower() in TRACK_SUFFIXES:
        raise InputError("the file is empty (0 bytes)")


def _check_apart(readings: list[Reading], called: list[str]) -> None:
    """Refuse a video that one file is named by and another file names itself: they may be two."""
    owner = {video: place for place, reading in enumerate(readings) for video in reading.paths}
    for place, reading in enumerate(readings):
        for video in reading.tracks.videos if owner else ():
            other = owner.get(video, place)
            paths = readings[other].paths.get(video), reading.paths.get(video)
            if other != place and (None in paths or STANDARD_INPUT in paths):
                both = f"{called[other]} has by its file's name, and {called[place]} in it"
                mend = "name it in a column video_id" if STANDARD_INPUT in paths else "rename the file"
                raise InputError(f"two videos must have two names, got {video!r}, which {both}: {mend}")


def _read_stdin() -> Reading:
    """Read through a temporary file: Parquet is read from its end, and a pipe cannot go back."""
    with tempfile.NamedTemporaryFile() as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        if spool.tell() == 0:
            raise InputError("it is empty (0 bytes)")
        spool.flush()
        with open_source(Path(spool.name), ".parquet") as source:
            tracks, (is_named,) = read_parts([Part(source, "stdin")])
    return Reading(tracks, {} if is_named else {"stdin": Path(STANDARD_INPUT)})


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
    if sys.stdout.isatty():
        raise InputError("Parquet must go to a file or a program, got a terminal as standard output")
    with tempfile.TemporaryFile() as spool:
        write_parquet(tracks, cast(IO[bytes], spool))
        spool.seek(0)
        shutil.copyfileobj(spool, sys.stdout.buffer)
    sys.stdout.buffer.flush()
