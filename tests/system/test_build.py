"""What the build decides: the CUDA switch and the list of sources. Nothing is compiled here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
SOURCES = [str(path.relative_to(CSRC)) for path in sorted(CSRC.rglob("*.c*")) if path.suffix in (".cpp", ".cu")]


def path_without_nvcc() -> str:
    """The folders of PATH that hold no nvcc; skips where the compiler would go with them."""
    path = os.pathsep.join(folder for folder in os.get_exec_path() if not Path(folder, "nvcc").exists())
    if not any(shutil.which(compiler, path=path) for compiler in ("c++", "g++", "clang++")):
        pytest.skip("nvcc lies in the C++ compiler's folder, so its absence cannot be imitated")
    return path


def configure(folder: Path, *definitions: str) -> tuple[bool, str]:
    """Run CMake's configure step where no CUDA compiler is: whether it succeeded, and its output on one line."""
    cmake = [sys.executable, "-m", "cmake"] if find_spec("cmake") else [shutil.which("cmake") or ""]
    if not cmake[0] or not find_spec("pybind11"):
        pytest.skip("cmake or pybind11 is not installed")
    hints = [f"-Dpybind11_ROOT={Path(find_spec('pybind11').origin).parent}", f"-DPython_EXECUTABLE={sys.executable}"]
    hidden = {"CUDACXX", "CUDA_PATH", "CUDA_HOME", "CUDAToolkit_ROOT", "BCL_CUDA"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PATH"] = path_without_nvcc()
    command = [*cmake, "-S", str(ROOT), "-B", str(folder), *hints, *(f"-D{definition}" for definition in definitions)]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return run.returncode == 0, " ".join(run.stdout.split())


@pytest.mark.slow
@pytest.mark.parametrize("choice", ["OFF", "AUTO", "auto"])
def test_without_cuda(tmp_path: Path, choice: str) -> None:
    succeeded, output = configure(tmp_path, f"BCL_CUDA={choice}")
    assert succeeded, output
    assert output.count(f"bcl_fast: built without CUDA (BCL_CUDA={choice.upper()})") == 1, output


@pytest.mark.slow
def test_cuda_demanded_without_nvcc(tmp_path: Path) -> None:
    succeeded, output = configure(tmp_path, "BCL_CUDA=ON")
    assert not succeeded
    assert "BCL_CUDA=ON but no CUDA compiler was found" in output
    assert "Put nvcc on PATH" in output
    assert "BCL_CUDA=OFF" in output


@pytest.mark.slow
def test_unknown_cuda_choice(tmp_path: Path) -> None:
    succeeded, output = configure(tmp_path, "BCL_CUDA=banana")
    assert not succeeded
    assert "BCL_CUDA must be AUTO, ON or OFF, got 'banana'" in output


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_listed_by_name(source: str) -> None:
    assert re.search(rf"\s{re.escape(source)}\b", (CSRC / "CMakeLists.txt").read_text())
