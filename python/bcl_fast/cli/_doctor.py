"""The command ``doctor``: what of the installation and the machine is wrong, in words."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Literal, NamedTuple

import typer

from bcl_fast import _core
from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.extras import EXTRA_OF, is_installed
from bcl_fast._utils.memory import cgroup_memory_left, free_memory
from bcl_fast._utils.text import counted
from bcl_fast._utils.threads import available_cores

LITTLE_MEMORY = 1 << 30  # bytes; with less, clusterings of millions of points take many rounds


class Finding(NamedTuple):
    """What a check found: all is well; slower or less than it could be; or results cannot be had."""

    level: Literal["ok", "note", "wrong"]
    about: str
    says: str


def doctor() -> None:
    """Check the installation, instruction set, threads, memory and GPU; say what is wrong, with exit code 1."""
    findings = list(examine())
    for level, about, says in findings:
        typer.echo(f"{level:<6}{about:<15}{as_printable(says)}")
    wrong = sum(finding.level == "wrong" for finding in findings)
    typer.echo(f"\n{counted(wrong, 'thing')} wrong" if wrong else "\nnothing is wrong")
    if wrong:
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Do all checks of this installation on this machine."""
    yield from check_core()
    yield from check_extras({library: is_installed(library) for library in EXTRA_OF})
    yield from check_instructions(_core.simd_path(), _core.simd_paths())
    yield from check_threads(_core.default_threads(), _affinity(), available_cores(), os.environ)
    yield from check_memory(free_memory(), cgroup_memory_left())
    yield from check_gpu(_core.cuda_version(), *_gpus())


def check_core() -> Iterator[Finding]:
    """Cluster some points as SciPy does, and compare the versions of what is imported and what is installed."""
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage

    import bcl_fast

    installed = version("bcl-fast")
    if installed != bcl_fast.__version__:
        text = f"bcl_fast {bcl_fast.__version__} is imported, but {installed} installed: there are two; uninstall both"
        yield Finding("wrong", "bcl_fast", text)
    points = np.random.default_rng(0).standard_normal((500, 16))
    ours = bcl_fast.complete_linkage(points, 20.0).labels
    theirs = fcluster(linkage(points, "complete"), 20.0**0.5, "distance")
    same = len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(ours.tolist())) == theirs.max()
    if same:
        yield Finding("ok", "core", f"bcl_fast {installed} gives SciPy's clusters")
    else:
        yield Finding("wrong", "core", "it does not give SciPy's clusters on this processor: please report it")


def check_extras(installed: Mapping[str, bool]) -> Iterator[Finding]:
    """Say which extras are there, and the command for each that is not."""
    for extra in dict.fromkeys(EXTRA_OF.values()):
        missing = [library for library, of in EXTRA_OF.items() if of == extra and not installed[library]]
        if missing:
            text = f"{', '.join(missing)} not installed; where you need it: pip install 'bcl-fast[{extra}]'"
            yield Finding("note", f"[{extra}]", text)
        else:
            yield Finding("ok", f"[{extra}]", ", ".join(library for library, of in EXTRA_OF.items() if of == extra))


def check_instructions(used: str, possible: list[str]) -> Iterator[Finding]:
    """Say whether the fastest instruction set of this machine is in use."""
    if used != possible[0]:
        text = f"{used} in use, by BCL_SIMD, though this machine runs {possible[0]}: unset BCL_SIMD"
        yield Finding("note", "instructions", text)
    elif used == "baseline":
        yield Finding("note", "instructions", "baseline: there are no faster loops for this processor")
    elif len(possible) == 1:
        yield Finding("ok", "instructions", f"{used}, which is all that this processor has")
    else:
        yield Finding("ok", "instructions", f"{used}, the fastest of {', '.join(possible)}")


def _affinity() -> int:
    """Processors that the process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_threads(threads: int, affinity: int, cores: int, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Compare the threads that are used by default with what the process may use.

    Parameters
    ----------
    threads : int
        By default.
    affinity : int
        Processors that the process may run on.
    cores : int
        As many as it may keep busy: by its control group too.
    environment : mapping
        ``OMP_NUM_THREADS`` counts.
    """
    wanted = environment.get("OMP_NUM_THREADS")
    if cores < affinity:
        text = f"the control group grants {cores} of {affinity} processors (cpu.max): more threads would only wait"
        yield Finding("note", "cgroup", text)
    if wanted is not None and not wanted.isdecimal():
        yield Finding(
            "note", "threads", f"OMP_NUM_THREADS is no number ({wanted!r}) and not heeded: {threads} are used"
        )
    elif threads > cores:
        text = f"{threads} by OMP_NUM_THREADS, on {cores} processors: they take turns; unset it, or set {cores}"
        yield Finding("note", "threads", text)
    elif threads < cores and wanted is not None:
        yield Finding("note", "threads", f"{threads} by OMP_NUM_THREADS, of {cores} that could be used")
    else:
        yield Finding("ok", "threads", f"{threads}, on {counted(cores, 'processor')}")


def check_memory(free: int, left: int | None) -> Iterator[Finding]:
    """Say how much memory can be had, and what limits it."""
    limited = ", which the control group leaves" if left is not None and left <= free else ""
    text = f"{free / (1 << 30):.1f} GB can be had{limited}"
    if free < LITTLE_MEMORY:
        yield Finding("note", "memory", f"{text}: many points take long; memory_limit sets what a clustering uses")
    else:
        yield Finding("ok", "memory", text)


def _gpus() -> tuple[int | str, bool | None]:
    """Devices that the core finds or why it finds none, and whether torch finds one; None without torch."""
    try:
        found: int | str = _core.cuda_device_count()
    except RuntimeError as error:
        found = str(error)
    if not is_installed("torch"):
        return found, None
    import torch

    return found, torch.cuda.is_available()


def check_gpu(built_with: int, devices: int | str, torch_finds: bool | None) -> Iterator[Finding]:
    """Say whether a GPU can be used by the core and by torch.

    Parameters
    ----------
    built_with : int
        Version of CUDA, -1 for none.
    devices : int or str
        Devices that the core finds, or why there is none.
    torch_finds : bool or None
        Whether torch finds one; None without torch.
    """
    if built_with < 0:
        if torch_finds:
            text = (
                "torch finds a GPU, but the core was built without CUDA: put nvcc on PATH and install with BCL_CUDA=ON"
            )
            yield Finding("note", "GPU", text)
        else:
            yield Finding("ok", "GPU", "none, and the core was built without CUDA")
        return
    built = f"built with CUDA {built_with // 1000}.{built_with % 1000 // 10}"
    if isinstance(devices, str):
        level: Literal["ok", "wrong"] = "wrong" if torch_finds else "ok"
        yield Finding(level, "GPU", f"the core was {built}, and can use no device: {devices}")
    elif torch_finds is False:
        text = f"the core, {built}, finds {counted(devices, 'device')}, but torch none: install a torch that has CUDA"
        yield Finding("note", "GPU", text)
    else:
        yield Finding("ok", "GPU", f"{counted(devices, 'device')}; {built}")
