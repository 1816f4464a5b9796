"""The packages of the extra ``[video]``, imported when they are used; a missing one is a sentence."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from bcl_fast._utils.extras import require
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError

_BROUGHT_BY = {"cv2": "scenedetect"}


def package(name: str) -> ModuleType:
    """Import a package of the extra.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    InputError
        If it is, and cannot be imported all the same.
    """
    top = name.partition(".")[0]
    require("a film", _BROUGHT_BY.get(top, top))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"films need the package {top}, which cannot be imported: {one_line(error)}") from None


def data_of_package(name: str, *parts: str) -> Path:
    """Return a file that a package brings, without importing the package.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    InputError
        If it has no such file.
    """
    require("recognising faces", name)
    found = importlib.util.find_spec(name)
    folders = (found.submodule_search_locations if found is not None else None) or []
    for folder in folders:
        file = Path(folder).joinpath(*parts)
        if file.is_file():
            return file
    raise InputError(f"faces are recognised with {parts[-1]} of the package {name}, and there is no such file in it")
