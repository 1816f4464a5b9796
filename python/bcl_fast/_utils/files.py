"""Files: what a user names is checked first, and nothing half-written stays behind."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError


def check_output(path: PathLike, *, force: bool = False) -> Path:
    """Check that ``path`` can be written, before any long work is done.

    Raises
    ------
    InputError
        If it exists and ``force`` is false, is a folder, or lies in a folder that is missing or not writable.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"the output must be a file, got the folder {target}")
    if target.exists() and not force:
        raise InputError(f"the output {target} exists already: choose another name or pass --force to replace it")
    if not target.parent.is_dir():
        raise InputError(f"the output folder {target.parent} does not exist")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"the output folder {target.parent} is not writable")
    return target


@contextmanager
def atomic_output(path: PathLike, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it on success and is removed on failure."""
    target = check_output(path, force=force)
    temporary = _new_file_beside(target)
    mode = temporary.stat().st_mode
    try:
        yield temporary
        temporary.chmod(mode)  # whoever wrote it may have made another file of this name
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _new_file_beside(target: Path) -> Path:
    """Make an empty file of a name that no other has, with the rights that the user's umask leaves a new file.

    The system applies the umask: asking for its value means setting it, for all threads of the process.
    """
    while True:
        temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")
        with suppress(FileExistsError):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return temporary


def check_is_file(path: PathLike, what: str) -> Path:
    """Return the path of a file that is to be read; ``what`` it is called in errors, such as ``"model"``.

    Raises
    ------
    InputError
        If there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"the {what} {file} does not exist or is not a file")
    return file


def check_folder(folder: Path, names: list[str], *, force: bool) -> None:
    """Check that files can be written into a folder, which may yet have to be made in an existing one."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    else:
        check_output(folder)
