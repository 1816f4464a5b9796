"""Writing files so that nothing half-written stays behind; reading what ``.safetensors`` files hold."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bcl_fast.errors import InputError


def check_output(path: str | os.PathLike[str], *, force: bool = False) -> Path:
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
def atomic_output(path: str | os.PathLike[str], *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it on success and is removed on failure."""
    target = check_output(path, force=force)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_folder(folder: Path, names: list[str], *, force: bool) -> None:
    """Check that files can be written into a folder, which may yet have to be made in an existing one."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    else:
        check_output(folder)
