"""Exact distances have the same bits on every processor: no compiler may fuse a product with a sum in them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.core.simd.programs import CSRC, EMULATED, PATHS, ROOT, build, run, sources

MAY_FUSE = {"simd/kernels.cpp", "simd/byte_kernels.cpp"}  # bounds and losses: what they decide is decided again
FUSED = re.compile(r"\b(vfn?m(add|sub)\w*|fn?m(add|sub)|fml[as])\b")
MEASURES = ["simd/exact_kernels.cpp", "distance/exact_tile.cpp", "linkage/complete_linkage.cpp"]
MEASURES += ["linkage/cluster_means.cpp", "linkage/assign.cpp", "radius_graph/radius_graph.cpp"]

Commands = list[tuple[str, list[str]]]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """The sources of csrc with the arguments of each compilation, compiler and files left out."""
    cmake = [sys.executable, "-m", "cmake"] if find_spec("cmake") else [shutil.which("cmake") or ""]
    if not cmake[0] or not find_spec("pybind11"):
        pytest.skip("cmake or pybind11 is not installed")
    folder = tmp_path_factory.mktemp("build")
    hints = [f"-Dpybind11_ROOT={Path(find_spec('pybind11').origin).parent}", f"-DPython_EXECUTABLE={sys.executable}"]
    options = ["-DBCL_CUDA=OFF", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    subprocess.run([*cmake, "-S", str(ROOT), "-B", str(folder), *hints, *options], check=True, capture_output=True)
    entries = json.loads((folder / "compile_commands.json").read_text())
    return [(Path(e["file"]).relative_to(CSRC).as_posix(), shlex.split(e["command"])[1:]) for e in entries]


def test_all_but_the_kernels_of_bounds_are_compiled_without(commands):
    assert {name for name, _ in commands} >= {*MAY_FUSE, *MEASURES}
    for name, arguments in commands:
        last = [a for a in arguments if a.startswith("-ffp-contract=")][-1]
        assert last == ("-ffp-contract=fast" if name in MAY_FUSE else "-ffp-contract=off"), name
        loose = {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-fassociative-math", "-mfpmath=387"}
        assert not loose & set(arguments), name


def test_nothing_in_the_sources_allows_it_again():
    allowing = re.compile(r"FP_CONTRACT|fp_contract|fp-contract|GCC optimize|optimize\(|\bfma\w*\(|_f(n?m(add|sub))_")
    for path in CSRC.rglob("*"):
        if path.suffix in (".cpp", ".h"):
            assert not allowing.search(path.read_text()), path


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["g++", "clang++", "aarch64-linux-gnu-g++"])
@pytest.mark.parametrize("source", MEASURES)
def test_no_compiler_fuses(commands, compiler, source, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    found = [arguments for name, arguments in commands if name == source]
    if compiler.startswith("aarch64"):
        plain = next(arguments for arguments in found if not any(a.startswith("-m") for a in arguments))
        found = [[*flags, *plain] for flags in PATHS["aarch64"].values()] if len(found) > 1 else [plain]
    for number, arguments in enumerate(found):
        listing = tmp_path / f"{number}.s"
        kept = arguments[: arguments.index("-o")]
        run = [compiler, *kept, "-S", "-g0", str(CSRC / source), "-o", str(listing)]
        subprocess.run(run, check=True, capture_output=True)
        text = listing.read_text()
        assert "sub" in text  # it is a listing of instructions
        assert not FUSED.search(text), FUSED.search(text)


@pytest.mark.skipif("BCL_TEST_ARM" not in os.environ, reason="BCL_TEST_ARM is not set: make test-arm")
def test_the_same_bits_under_emulation_of_aarch64(tmp_path):
    """Compiled for this machine, by any compiler, and for aarch64, the program prints the same."""
    core = sources("simd", "arrangement", "distance", "linkage", "radius_graph", "runtime", "screen")
    core.append(CSRC / "cuda/no_cuda.cpp")
    own = Path(__file__).with_name("exact_bits.cpp")
    wanted = run(build("g++", own, core, tmp_path))
    assert wanted.count("\n") == 70
    if shutil.which("clang++"):
        assert run(build("clang++", own, core, tmp_path)) == wanted
    program = build("aarch64-linux-gnu-g++", own, core, tmp_path)
    for processor in EMULATED:
        assert run(program, processor=processor) == wanted, processor
