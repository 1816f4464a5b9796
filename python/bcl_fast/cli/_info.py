"""The command ``info``."""

from __future__ import annotations

import platform
from importlib.metadata import version

import typer

from bcl_fast._utils.escape import as_printable


def info() -> None:
    """Print versions, the instruction set in use, threads and CUDA."""
    for name, value in describe_installation().items():
        typer.echo(f"{name:<13}{as_printable(value)}")


def describe_installation() -> dict[str, str]:
    """Versions, the instruction set in use, threads and CUDA, by name."""
    import torch

    from bcl_fast import _core

    built = _core.cuda_version()
    names = ("numpy", "scipy", "scikit-learn", "torch", "pyarrow", "safetensors")
    return {
        "bcl_fast": version("bcl-fast"),
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in names),
        "SIMD": f"{_core.simd_path()} (this machine runs {', '.join(_core.simd_paths())}; BCL_SIMD chooses)",
        "threads": str(_core.default_threads()),
        "CUDA": "not built in" if built < 0 else f"built with {built // 1000}.{built % 1000 // 10}",
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none that torch can use",
    }
