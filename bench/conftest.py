"""What every benchmark records beside its times."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from bcl_fast import _core, cuda_version


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # fastcluster has no wheel for Python 3.14
        return "none"


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    machine_info["bcl_fast"] = {
        "simd_path": _core.simd_path(),
        "threads": _core.default_threads(),
        "cuda_version": cuda_version(),
        "python": platform.python_version(),
        "versions": {
            name: _version(name) for name in ("bcl-fast", "torch", "numpy", "scipy", "scikit-learn", "fastcluster")
        },
    }
