"""Our ``.safetensors`` files: of a named format, with a checksum of all that they hold.

Files of version 1 of a format have none: they were written before there was one, and are read as they are.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.extras import require
from bcl_fast._utils.files import atomic_output, check_output
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError

Framework = Literal["np", "pt"]  # whose tensors
_MODULES = {"np": "safetensors.numpy", "pt": "safetensors.torch"}
_CHECKSUM = "checksum"


def write_safetensors(
    path: PathLike,
    what: str,
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str],
    *,
    kind: str,
    framework: Framework,
    force: bool,
) -> None:
    """Write a ``what``, such as a model, atomically.

    Raises
    ------
    InputError
        As `check_safetensors_output`.
    """
    target = check_safetensors_output(path, what, force=force)
    about = {"format": f"{kind} 2", **metadata, "bcl_fast_version": version("bcl-fast")}
    about[_CHECKSUM] = checksum([about, tensors])
    import safetensors

    with atomic_output(target, force=force) as temporary:
        try:
            import_module(_MODULES[framework]).save_file(dict(tensors), temporary, about)
        except safetensors.SafetensorError as error:  # a full disk
            raise OSError(errno.EIO, one_line(error), os.fspath(path)) from error


def read_safetensors(
    file: Path, what: str, *, kind: str, framework: Framework
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the tensors of a ``.safetensors`` file and its metadata, which must name its format.

    Parameters
    ----------
    file : Path
    what : str
        What the file is called in errors, such as ``"model"``.
    kind : str
        The entry ``format`` of the metadata, without the version.
    framework : {"np", "pt"}
        Whose tensors to make.

    Raises
    ------
    InputError
        If the file is not a whole one, of another format, or damaged.
    """
    require(f"a {what} in a .safetensors file", "safetensors")
    import safetensors

    try:
        with _named(file) as name, safetensors.safe_open(name, framework=framework) as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise InputError(f"the {what} {file} is not a whole .safetensors file: {one_line(error)}") from error
    form = metadata.get("format")
    if form not in (f"{kind} 1", f"{kind} 2"):
        raise InputError(f"the {what} {file} must be of the format '{kind} 2', got {one_line(repr(form))}")
    found = metadata.pop(_CHECKSUM, None)
    if (found is not None or form == f"{kind} 2") and found != checksum([metadata, tensors]):
        raise InputError(f"the {what} {file} is damaged: it does not match its checksum")
    return tensors, metadata


@contextmanager
def _named(file: Path) -> Iterator[str]:
    """Give a file a name that the library takes, which is one in UTF-8."""
    try:
        yield os.fspath(file).encode().decode()
    except UnicodeEncodeError:
        with file.open("rb") as opened:
            yield f"/dev/fd/{opened.fileno()}"


def check_safetensors_output(path: PathLike, what: str, *, force: bool = False) -> Path:
    """Check that a ``what``, such as a model, can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the name does not end in ``.safetensors``, the file exists and ``force`` is false, or its folder cannot be
        written to.
    """
    require(f"a {what} in a .safetensors file", "safetensors")
    if Path(path).suffix != ".safetensors":
        raise InputError(f"a {what} is written as .safetensors, got the name {os.fspath(path)}")
    return check_output(path, force=force)
