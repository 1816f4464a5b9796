"""The folder of a reproduction: of one run at a time, for one set of data and recipes, each file whole or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.files import check_folder
from bcl_fast._utils.locks import is_leftover, only_writer, remove_leftovers
from bcl_fast.errors import InputError
from bcl_fast.paper.output import Record, write_text

PARTS = ("models", "scores")


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make a folder and hold it; it goes again where nothing came into it.

    Raises
    ------
    InputError
        If it cannot be made or written to, holds something else, or another run works in it.
    """
    check_folder(folder, force=True)
    if folder.is_dir() and not _settings(folder).is_file() and not all(map(_is_beginning, folder.iterdir())):
        raise InputError(f"the folder {folder} must be empty or of an earlier reproduction")
    new = not folder.is_dir()
    folder.mkdir(exist_ok=True)
    try:
        with only_writer(_settings(folder)):
            yield
    finally:
        for part in PARTS:
            remove_leftovers(folder / part)  # of processes that were ended
        if new:
            with suppress(OSError):  # that it is not empty
                folder.rmdir()


def _settings(folder: Path) -> Path:
    return folder / "settings.json"


def _is_beginning(path: Path) -> bool:
    """Whether a run that was killed may have left this before its settings."""
    return is_leftover(path.name) or (path.name in PARTS and path.is_dir() and not any(path.iterdir()))


def claim_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Note the settings in a held folder, or check that its results are of the same.

    The settings come first: a run that is killed leaves an empty folder or one that is known again.
    """
    path = _settings(folder)
    if path.is_file():
        before = read_json(path)
        for name in dict.fromkeys([*before, *settings]):
            if before.get(name) != settings.get(name):
                difference = f"{name} was {before.get(name)}, now it is {settings.get(name)}"
                raise InputError(f"the folder {folder} holds other results: {difference}; choose another --output")
    else:
        write_text(path, json.dumps(settings, indent=1))
    for part in PARTS:
        (folder / part).mkdir(exist_ok=True)
        remove_leftovers(folder / part)


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        If it is damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({error}): remove it") from None


def write_records(path: Path, records: list[Record]) -> None:
    """Write the scores of a piece of work, with their checksum."""
    write_text(path, json.dumps({"sha256": _checksum(records), "records": records}))


def read_records(path: Path) -> list[Record]:
    """Read what `write_records` wrote.

    Raises
    ------
    InputError
        If it is damaged.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("sha256") != _checksum(content.get("records")):
        raise InputError(f"{path} is damaged (its checksum does not fit): remove it")
    return content["records"]


def _checksum(records: Any) -> str:
    return checksum(json.dumps(records))  # of the text: numbers of NumPy come back as plain ones
