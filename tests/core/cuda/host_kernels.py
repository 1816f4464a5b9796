"""The CUDA kernels compiled for the host (tests/core/cuda/simulated_kernels.cpp), called with NumPy arrays."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

HERE = Path(__file__).parent
CSRC = HERE.parents[2] / "csrc"
CORE = (
    "cuda/no_cuda.cpp",
    "screen/device_screen.cpp",
    "screen/point_tiles.cpp",
    "runtime/parallel.cpp",
    "distance/scaled_points.cpp",
)
SOURCES = [HERE / "simulated_kernels.cpp", *(CSRC / name for name in CORE)]
ORDERS = (0, 1, 2)  # of threads and blocks: as they come, backwards, shuffled


def compile_kernels(library: Path) -> None:
    """Compile the kernels with the host's C++ compiler into a library; CXX and CXXFLAGS as usual."""
    names = (os.environ.get("CXX"), "c++", "g++", "clang++")
    compiler = next((name for name in names if name and shutil.which(shlex.split(name)[0])), None)
    if compiler is None:
        pytest.skip("there is no C++ compiler to compile the kernels with")
    partial = library.with_suffix(".partial")
    flags = [
        "-std=c++17",
        "-O2",
        "-shared",
        "-fPIC",
        "-pthread",
        "-ffp-contract=off",
        f"-I{CSRC}",
        *os.environ.get("CXXFLAGS", "").split(),
    ]
    # The tests may run with a sanitizer loaded; the compiler need not.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run(
        [*shlex.split(compiler), *flags, *map(str, SOURCES), "-o", str(partial)], check=True, env=environment
    )
    partial.rename(library)


class Kernels:
    """Calls by name: arrays go as addresses, and what a call reports is raised."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))

    def __call__(self, name: str, *arguments: Any) -> None:
        function = getattr(self._library, name)
        function.restype = ctypes.c_char_p
        failure = function(*map(_as_c, arguments))
        assert failure is None, failure.decode()


def _as_c(value: Any) -> Any:
    if value is None:
        return ctypes.c_void_p()
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    return {bool: ctypes.c_bool, int: ctypes.c_int64, float: ctypes.c_double}[type(value)](value)


def make_batch(n: int, d: int, k: int, dtype: type, seed: int = 0) -> tuple[npt.NDArray, npt.NDArray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    embeddings = rng.standard_normal((k, d))[labels] + rng.standard_normal((n, d))
    return (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(dtype), labels
