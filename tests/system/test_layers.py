"""Which folder may know of which: the arrows of CONTRIBUTING.md, in Python and in C++."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.application.use_cases import lint_imports

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"

INCLUDES = {
    "runtime": set(),
    "simd": {"runtime"},
    "cuda": {"runtime"},
    "distance": {"simd", "runtime"},
    "arrangement": {"distance", "simd", "runtime"},
    "screen": {"distance", "simd", "cuda", "runtime"},
    "radius_graph": {"screen", "arrangement", "distance", "runtime"},
    "linkage": {"screen", "arrangement", "distance", "runtime"},
    "ball_loss": {"distance", "cuda", "runtime"},
    "bindings": {
        "arrangement",
        "ball_loss",
        "cuda",
        "distance",
        "linkage",
        "radius_graph",
        "runtime",
        "screen",
        "simd",
    },
}


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    """Every pair (module, module that it imports) of the package, imports within functions included."""
    graph = grimp.build_graph("bcl_fast", cache_dir=None)
    return [(one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)]


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def is_private(module: str) -> bool:
    return any(name.startswith("_") for name in module.split(".")[2:])


def test_python_imports_follow_the_layers():
    assert read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)


def test_the_paper_uses_public_names_alone(imports):
    reached = [(one, other) for one, other in imports if room_of(one) == "bcl_fast.paper" and is_private(other)]
    assert [pair for pair in reached if room_of(pair[1]) not in ("bcl_fast.paper", "bcl_fast._utils")] == []


def test_one_command_alone_knows_the_paper(imports):
    users = {one for one, other in imports if room_of(other) == "bcl_fast.paper" and room_of(one) != "bcl_fast.paper"}
    assert users == {"bcl_fast.cli._reproduce"}


def test_utilities_import_nothing_heavy():
    heavy = {"matplotlib", "pyarrow", "rich", "sklearn", "torch", "typer"}
    modules = [f"bcl_fast._utils.{path.stem}" for path in (ROOT / "python/bcl_fast/_utils").glob("[a-z]*.py")]
    code = f"import sys, {', '.join(modules)}; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"


@pytest.mark.parametrize("folder", sorted(path.name for path in CSRC.iterdir() if path.is_dir()))
def test_cpp_includes_follow_the_layers(folder):
    for path in sorted((CSRC / folder).iterdir()):
        included = re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE) if path.is_file() else []
        assert [name for name in included if not (CSRC / name).is_file()] == [], f"{path.name}: not written from csrc"
        assert {name.split("/")[0] for name in included} <= INCLUDES[folder] | {folder}, path.name
