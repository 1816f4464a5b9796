"""The file of a fitted `BallClustering`: one ``.safetensors`` file, of which nothing is executed when it is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.safetensors import read_safetensors, write_safetensors
from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError

CLUSTERING_KIND = "bcl_fast clustering"  # of files

Arrays = dict[str, npt.NDArray[Any]]

# Dimensions and kind of each array; `samples` and `cannot_link` may be absent.
_ARRAYS = {
    "labels": (1, "i"),
    "children": (2, "i"),
    "distances": (1, "f"),
    "samples": (2, "f"),
    "cannot_link": (2, "i"),
}
_OPTIONAL = {"samples", "cannot_link"}


def write_clustering(
    path: str | os.PathLike[str], arrays: Arrays, about: dict[str, Any], *, force: bool = False
) -> None:
    """Write arrays and what else there is to know about them, as JSON values.

    Raises
    ------
    InputError
        If the name does not end in ``.safetensors``, the file exists and ``force`` is false, or its folder cannot be
        written to.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    metadata = {"about": json.dumps(about, default=_plain)}
    write_safetensors(path, "clustering", contiguous, metadata, kind=CLUSTERING_KIND, framework="np", force=force)


def _plain(value: Any) -> Any:
    """Return a parameter that JSON does not know as one that it does: a number of NumPy, a device of torch."""
    return value.item() if hasattr(value, "item") else str(value)


def read_clustering(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, Any]]:
    """Read what `write_clustering` wrote.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind.
    """
    file = check_is_file(path, "clustering")
    arrays, metadata = read_safetensors(file, "clustering", kind=CLUSTERING_KIND, framework="np")
    _check_arrays(arrays, file)
    try:
        return arrays, dict(json.loads(metadata["about"]))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"the clustering {file} has damaged metadata: {one_line(error)}") from error


def _check_arrays(arrays: Arrays, file: Path) -> None:
    for name, (ndim, kind) in _ARRAYS.items():
        if name not in arrays and name in _OPTIONAL:
            continue
        array = arrays.get(name)
        if array is None or array.ndim != ndim or array.dtype.kind != kind:
            wanted = f"a {ndim}-D array of {'whole numbers' if kind == 'i' else 'numbers'}"
            got = "none" if array is None else f"{array.ndim}-D {array.dtype}"
            raise InputError(f"the clustering {file} must hold {wanted} named {name}, got {got}")
    n_samples = len(arrays["labels"])
    if len(arrays.get("samples", arrays["labels"])) != n_samples or len(arrays["children"]) != len(arrays["distances"]):
        raise InputError(f"the clustering {file} holds arrays that do not belong together")
    bounds = {"labels": (-1, n_samples - 1), "children": (0, 2 * n_samples - 2), "cannot_link": (0, n_samples - 1)}
    for name, (least, largest) in bounds.items():
        numbers = arrays.get(name)
        if numbers is not None and numbers.size and not least <= numbers.min() <= numbers.max() <= largest:
            got = f"{numbers.min()} to {numbers.max()}"
            raise InputError(f"the clustering {file} must hold {name} from {least} to {largest}, got {got}")
