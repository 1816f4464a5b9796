"""Writing files so that nothing half-written stays behind; reading what ``.safetensors`` files hold."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def read_safetensors(file: Path, what: str, *, kind: str, framework: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the tensors of a ``.safetensors`` file and its metadata, which must name its format.

    Parameters
    ----------
    file : Path
    what : str
        What the file is called in errors, such as ``"model"``.
    kind : str
        The entry ``format`` of the metadata.
    framework : {"np", "pt"}
        Whose tensors to make.

    Raises
    ------
    InputError
        If the file is not a whole one, or of another format.
    """
    import safetensors

    try:
        with safetensors.safe_open(file, framework=framework) as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputError(f"the {what} {file} is not a whole .safetensors file: {error}") from error
    if metadata.get("format") != kind:
        raise InputError(f"the {what} {file} must be of the format {kind!r}, got {metadata.get('format')!r}")
    return tensors, metadata


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
