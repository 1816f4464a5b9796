"""The command ``info``."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version

import typer

from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.extras import is_installed


def info() -> None:
    """Print versions, the instruction set in use, threads and CUDA."""
    for name, value in describe_installation().items():
        typer.echo(f"{name:<13}{as_printable(value)}")


def describe_installation() -> dict[str, str]:
    """Versions, the instruction set in use, threads and CUDA, by name."""
    from bcl_fast import _core

    built = _core.cuda_version()
    libraries = ("numpy", "scipy", "scikit-learn", *filter(is_installed, ("torch", "pyarrow", "safetensors")))
    # On an interpreter without the GIL, a module that wants it brings it back.
    gil = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else " without the GIL"
    return {
        "bcl_fast": version("bcl-fast"),
        "python": f"{platform.python_version()}{gil} on {platform.system()} {platform.machine()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in libraries),
        "SIMD": f"{_core.simd_path()} (this machine runs {', '.join(_core.simd_paths())}; BCL_SIMD chooses)",
        "threads": str(_core.default_threads()),
        "CUDA": "not built in" if built < 0 else f"built with {built // 1000}.{built % 1000 // 10}",
        "GPU": _gpu(),
    }


def _gpu() -> str:
    if not is_installed("torch"):
        return "unknown without torch"
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none that torch can use"
