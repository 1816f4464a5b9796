"""Programs of the core's sources alone, for this machine and, emulated, for aarch64."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
CSRC = ROOT / "csrc"
KERNELS = ("kernels", "byte_kernels", "exact_kernels")
AVX512 = ["-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw", "-mfma"]
PATHS = {  # as in csrc/CMakeLists.txt, slowest first
    "x86_64": {"baseline": [], "avx2": ["-mavx2", "-mfma"], "avx512": AVX512, "avx512vnni": [*AVX512, "-mavx512vnni"]},
    "aarch64": {"neon": [], "dotprod": ["-march=armv8.2-a+dotprod"], "i8mm": ["-march=armv8.2-a+dotprod+i8mm"]},
}
# Processors that the emulator knows, and what each of them has.
EMULATED = {"cortex-a53": ["neon"], "neoverse-n1": ["neon", "dotprod"], "max": ["neon", "dotprod", "i8mm"]}


def kind_of(compiler: str) -> str:
    """The processor that a compiler compiles for."""
    return "aarch64" if compiler.startswith("aarch64") else platform.machine()


def sources(*rooms: str) -> list[Path]:
    """Every source of some folders of csrc, but for those that are compiled per instruction set."""
    found = [path for room in rooms for path in sorted((CSRC / room).glob("*.cpp"))]
    return [path for path in found if path.parent.name != "simd" or path.stem not in KERNELS]


def build(compiler: str, own: Path, rest: list[Path], folder: Path) -> Path:
    """Compile a program with the options of csrc/CMakeLists.txt; the kernels once for all programs of a folder."""
    common = [compiler, "-std=c++17", "-O3", f"-I{CSRC}", "-pthread", "-static"]
    objects = []
    for name, flags in PATHS.get(kind_of(compiler), {"baseline": []}).items():
        for kernels in KERNELS:
            objects.append(folder / f"{compiler}-{name}-{kernels}.o")
            if objects[-1].exists():
                continue
            contract = "off" if kernels == "exact_kernels" else "fast"
            options = [f"-DBCL_SIMD={name}", f"-ffp-contract={contract}", "-fno-math-errno", "-fno-trapping-math"]
            source = str(CSRC / f"simd/{kernels}.cpp")
            subprocess.run([*common, *options, *flags, "-c", source, "-o", str(objects[-1])], check=True)
    program = folder / f"{compiler}-{own.stem}"
    files = [str(own), *map(str, rest), *map(str, objects)]
    subprocess.run([*common, "-ffp-contract=off", *files, "-o", str(program)], check=True)
    return program


def run(program: Path, *, path: str = "", processor: str = "") -> str:
    """What a program prints by one instruction set; on a processor that is emulated, where one is named."""
    emulator = ["qemu-aarch64-static", "-cpu", processor] if processor else []
    environment = os.environ | {"BCL_SIMD": path}
    finished = subprocess.run([*emulator, str(program)], capture_output=True, text=True, env=environment)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout
