"""The types that `_core.pyi` promises are those of the compiled core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bcl_fast import _core

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.slow
def test_stubs_of_the_core(tmp_path):
    # pybind11 gives its classes a metaclass, which a stub need not tell.
    classes = [f"bcl_fast._core.{name}" for name, value in vars(_core).items() if isinstance(value, type)]
    (tmp_path / "allowed").write_text("\n".join(classes))
    command = [sys.executable, "-m", "mypy.stubtest", "bcl_fast._core", "--ignore-unused-allowlist"]
    options = [
        "--allowlist",
        str(tmp_path / "allowed"),
        "--mypy-config-file",
        str(Path(__file__).parents[2] / "pyproject.toml"),
    ]
    run = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
