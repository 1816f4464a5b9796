"""``.safetensors`` files of a known format: read, and checked before they are written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bcl_fast._utils.files import check_output
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError


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


def check_safetensors_output(path: PathLike, what: str, *, force: bool = False) -> Path:
    """Check that a ``what``, such as a model, can be written to ``path``, before any long work is done.

    Raises
    ------
    InputError
        If the name does not end in ``.safetensors``, the file exists and ``force`` is false, or its folder cannot be
        written to.
    """
    if Path(path).suffix != ".safetensors":
        raise InputError(f"a {what} is written as .safetensors, got the name {os.fspath(path)}")
    return check_output(path, force=force)
