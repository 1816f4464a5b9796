"""The packages of the extra ``[video]``, imported when they are used; a missing one is a sentence."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from bcl_fast.errors import InputError

_EXTRA = "pip install 'bcl-fast[video]'"
_DISTRIBUTIONS = {"av": "av", "cv2": "scenedetect-headless", "dlib": "dlib-bin"}


def package(name: str) -> ModuleType:
    """Import a package of the extra.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        raise InputError(f"films need the package {_DISTRIBUTIONS.get(top, top)} ({error}): {_EXTRA}") from None


def data_of_package(name: str, *parts: str) -> Path:
    """Return a file that a package brings, without importing the package.

    Raises
    ------
    InputError
        If the package is not installed, or has no such file.
    """
    found = importlib.util.find_spec(name)
    folders = found.submodule_search_locations if found is not None else None
    file = None if not folders else Path(next(iter(folders))).joinpath(*parts)
    if file is None or not file.is_file():
        raise InputError(f"faces are recognised with the package {name}, which is not installed: {_EXTRA}")
    return file
