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

ROOT = Path(__file__).parents[3]
CSRC = ROOT / "csrc"
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
        found = [arguments for arguments in found if not any(a.startswith("-m") for a in arguments)]
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
    sources = [CSRC / "simd/dispatch.cpp", *(p for p in sorted(CSRC.rglob("*.cpp")) if is_of_the_core(p))]
    printed = {}
    for compiler in ("g++", "clang++", "aarch64-linux-gnu-g++"):
        if compiler == "clang++" and not shutil.which(compiler):
            continue
        program = tmp_path / compiler
        build(compiler, sources, program)
        emulator = ["qemu-aarch64-static"] if compiler.startswith("aarch64") else []
        printed[compiler] = subprocess.run([*emulator, str(program)], check=True, capture_output=True, text=True).stdout
    assert printed["g++"].count("\n") == 70
    assert set(printed.values()) == {printed["g++"]}


def is_of_the_core(path: Path) -> bool:
    room = path.relative_to(CSRC).parts[0]
    return (
        room in ("arrangement", "distance", "linkage", "radius_graph", "runtime", "screen")
        or path.name == "no_cuda.cpp"
    )


def build(compiler: str, sources: list[Path], program: Path) -> None:
    """Compile the core for the platform's baseline, with the options of csrc/CMakeLists.txt."""
    is_x86 = not compiler.startswith("aarch64") and os.uname().machine == "x86_64"
    paths = {"baseline": [], "avx2": ["-mavx2", "-mfma"]} if is_x86 else {"baseline": []}
    avx512 = ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma"]
    paths |= {"avx512": avx512, "avx512vnni": [*avx512, "-mavx512vnni"]} if is_x86 else {}
    common = [compiler, "-std=c++17", "-O3", f"-I{CSRC}", "-pthread", "-static"]
    objects = []
    for name, flags in paths.items():
        for kernels in ("kernels", "byte_kernels", "exact_kernels"):
            contract = "off" if kernels == "exact_kernels" else "fast"
            objects.append(program.with_name(f"{program.name}-{name}-{kernels}.o"))
            options = [f"-DBCL_SIMD={name}", f"-ffp-contract={contract}", "-fno-math-errno", "-fno-trapping-math"]
            source = str(CSRC / f"simd/{kernels}.cpp")
            subprocess.run([*common, *options, *flags, "-c", source, "-o", str(objects[-1])], check=True)
    own = str(Path(__file__).with_name("exact_bits.cpp"))
    files = [own, *map(str, sources), *map(str, objects)]
    subprocess.run([*common, "-ffp-contract=off", *files, "-o", str(program)], check=True)
