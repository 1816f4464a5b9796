"""What is done of a film so far: parts of rows and the state to go on with, in a folder beside the output.

A part is a Parquet file of rows; with it lies the state after it, with a checksum. A run that was killed leaves them,
and the next one of the same films and options goes on behind the last state that is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.files import atomic_output, naming
from bcl_fast.errors import InputError
from bcl_fast.video._options import ExtractionOptions
from bcl_fast.video._pictures import pictures_in
from bcl_fast.video._segments import Row

_SUFFIX = ".partial"  # of the folder, behind the output's name
_FILM = re.compile(r"\d{4,}")  # folders in it
_STATE = re.compile(r"state-(\d{6})\.npz")
_HEAD = 1 << 20  # bytes at each end of a film by which it is known again
FORMAT = 1  # of parts and states

State = dict[str, Any]


def work_folder(output: Path) -> Path:
    """Return the folder in which an output is prepared."""
    return output.with_name(output.name + _SUFFIX)


def identity_of(path: Path) -> list[Any]:
    """Return by what a film is known again: size, time, beginning and end; a folder by names, sizes and times."""
    if path.is_dir():
        files = pictures_in(path)
        return [[str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_HEAD))
        file.seek(max(0, size - _HEAD))
        digest.update(file.read(_HEAD))
    return [size, path.stat().st_mtime_ns, digest.hexdigest()]


class FilmFolder:
    """The folder of one film.

    Parameters
    ----------
    folder : Path
        Is made.
    film : Path
    options : ExtractionOptions
    fingerprints : sequence of str
        Of the networks: what another one found is not gone on with.
    """

    def __init__(self, folder: Path, film: Path, options: ExtractionOptions, fingerprints: list[str]) -> None:
        self.folder = folder
        made_by = [FORMAT, identity_of(film), options.as_dict(), fingerprints]
        self._made_by = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()

    def parts(self) -> list[Path]:
        """Return the parts that are there, in order."""
        return sorted(self.folder.glob("part-*.parquet"))

    def last_state(self) -> State | None:
        """Return the last state that is whole, without what was written after it; None to begin anew."""
        states = (
            {}
            if not self.folder.is_dir()
            else {int(found[1]): file for file in self.folder.iterdir() if (found := _STATE.fullmatch(file.name))}
        )
        for number in sorted(states, reverse=True):
            state = self._read(states[number])
            if state is not None and len(self.parts()[:number]) == number:
                for part in self.parts()[number:]:
                    part.unlink()
                return state
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        return None

    def _read(self, file: Path) -> State | None:
        try:
            with file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
                state = {name: arrays[name] for name in arrays.files}
            whole = str(state.pop("checksum")) == checksum(state) and str(state.pop("made_by")) == self._made_by
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        return state if whole else None

    def remove(self) -> None:
        """Leave nothing of the film behind."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # that other films have folders there
            self.folder.parent.rmdir()

    def write(self, rows: list[Row], state: State) -> None:
        """Write the next part and the state after it."""
        with naming(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        number = len(self.parts()) + 1
        with atomic_output(self.folder / f"part-{number:06}.parquet") as temporary:
            _write_rows(rows, temporary)
        content = {**{name: np.asarray(value) for name, value in state.items()}, "made_by": np.array(self._made_by)}
        with atomic_output(self.folder / f"state-{number:06}.npz", force=True) as temporary:
            np.savez(temporary, **(content | {"checksum": np.array(checksum(content))}))  # type: ignore[arg-type]
        earlier = self.folder / f"state-{number - 1:06}.npz"
        earlier.unlink(missing_ok=True)


def _write_rows(rows: list[Row], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows, schema=part_schema())
    with path.open("wb") as file:
        pq.write_table(table, file, compression="zstd")


def part_schema() -> Any:
    """Return the columns of a part: a row per face, and of the best one of a segment its embedding."""
    import pyarrow as pa

    numbers = [(name, pa.int64()) for name in ("track", "segment", "frame")]
    numbers += [("seconds", pa.float64()), *((name, pa.float32()) for name in ("x", "y", "w", "h", "score", "quality"))]
    return pa.schema(
        [*numbers, ("is_fresh", pa.bool_()), ("image", pa.string()), ("embedding", pa.list_(pa.float32()))]
    )


def check_no_stranger(folder: Path) -> None:
    """Check that what lies where an output is prepared was left there by an earlier run.

    Raises
    ------
    InputError
        If there is anything else, which is not ours to remove.
    """
    if not os.path.lexists(folder):
        return
    strangers = [name for name in os.listdir(folder) if not _FILM.fullmatch(name)] if folder.is_dir() else [folder.name]
    if strangers:
        raise InputError(
            f"{folder} is where the output is prepared, and {strangers[0]} there is not ours: move it away"
        )
