"""Other systems and compilers: what is of one alone stands in one place, and Clang compiles the core with libc++."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
OF_ONE_SYSTEM = re.compile(
    r"#\s*include <(?:pthread|sched|unistd|fcntl|dlfcn|sys/|immintrin|arm_)"
    r"|#.*\b(?:__x86_64__|__aarch64__|__linux__|_WIN32|__APPLE__)"
)
HOST = [path for path in sorted(CSRC.rglob("*")) if path.suffix in (".h", ".cpp")]


@pytest.mark.parametrize("path", HOST, ids=lambda path: str(path.relative_to(CSRC)))
def test_systems_and_processors_are_known_in_their_places_alone(path):
    if path.parent.name == "simd" or path.name == "platform.h":
        return
    assert OF_ONE_SYSTEM.findall(path.read_text()) == []


@pytest.mark.skipif(os.environ.get("BCL_TEST_CLANG") != "1", reason="make test-clang: needs clang++ and libc++")
def test_clang_with_libcxx_and_warnings_as_errors(tmp_path):
    cmake, pybind11 = [sys.executable, "-m", "cmake"], Path(find_spec("pybind11").origin).parent
    options = {
        "CMAKE_CXX_COMPILER": "clang++",
        "CMAKE_CXX_FLAGS": "-stdlib=libc++ -Werror",
        "CMAKE_MODULE_LINKER_FLAGS": "-stdlib=libc++",
        "BCL_CUDA": "OFF",
        "pybind11_ROOT": pybind11,
        "Python_EXECUTABLE": sys.executable,
    }
    defined = [f"-D{name}={value}" for name, value in options.items()]
    subprocess.run([*cmake, "-S", ROOT, "-B", tmp_path, "-G", "Ninja", *defined], check=True)
    subprocess.run([*cmake, "--build", tmp_path], check=True)
    code = """
import numpy as np, _core
X = np.repeat(np.eye(4), 3, axis=0)
Z, labels = _core.complete_linkage(X, 0.5, 100, None, np.empty((0, 2), np.int32))
assert len(Z) == 8, Z
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
