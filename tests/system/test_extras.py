"""Extras: with the libraries of one alone, what it is for works, and all else says the one command that installs it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bcl_fast._utils import extras
from bcl_fast.errors import InputError, MissingExtraError

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "python" / "bcl_fast").rglob("*.py"))
ALONE = [[], ["train"], ["tracks"], ["cli"], ["plots"], ["tracks", "review"]]
ALONE += [["cli", "plots", "tracks", "train", "paper"], ["cli", "tracks", "train", "video"]]


@pytest.mark.parametrize("installed", ALONE, ids=lambda names: "+".join(names) or "core")
def test_each_extra_alone(installed):
    command = [sys.executable, ROOT / "tests" / "helpers" / "extras.py", "--hide", *installed]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    lines = dict(line.split(maxsplit=1) for line in run.stdout.splitlines())
    assert lines["clustering"] == "works"
    assert (lines["ball_loss"] == "works") == ("train" in installed)


def test_the_console_script_without_typer_is_a_sentence():
    code = "import sys; sys.modules['typer'] = None; from bcl_fast.__main__ import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "error: the command line wants typer, which is not installed: pip install 'bcl-fast[cli]'\n"


def test_what_wants_torch_is_named_as_it_was_asked_for():
    code = """
from extras import hide
hide({"torch"})
import bcl_fast
for name in bcl_fast.__all__:
    try:
        getattr(bcl_fast, name)
    except bcl_fast.InputError as error:
        print(error)
        assert str(error).startswith(f"bcl_fast.{name} wants torch, ")
"""
    folder = ROOT / "tests" / "helpers"  # where `-c` looks first
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stderr
    said = "bcl_fast.train wants torch, which is not installed: pip install 'bcl-fast[train]'"
    assert said in run.stdout.splitlines()


def test_one_command_installs_all_that_is_missing(monkeypatch):
    for library in ("torch", "safetensors", "matplotlib"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError) as caught:
        extras.require("a demonstration", "torch", "safetensors", "sys", "matplotlib")
    assert str(caught.value) == (
        "a demonstration wants torch, safetensors and matplotlib, which are not installed: "
        "pip install 'bcl-fast[train,plots]'"
    )


def test_every_extra_is_declared_and_brings_its_libraries():
    text = (ROOT / "pyproject.toml").read_text()
    distributions = {
        "PIL": "pillow",
        "dlib": "dlib-bin",
        "face_recognition_models": "face-recognition-models",
        "faiss": "faiss-cpu",
        "scenedetect": "scenedetect-headless",
    }
    for library, extra in extras.EXTRA_OF.items():
        (declared,) = re.findall(rf"^{extra} = \[((?:[^\]]|\](?!\n))*)\]", text, re.MULTILINE)
        assert f'"{distributions.get(library, library)}>=' in declared


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def test_nothing_is_imported_that_nothing_declares():
    core = {"bcl_fast", "joblib", "lazy_loader", "numpy", "psutil", "scipy", "sklearn", "threadpoolctl"}
    known = core | set(extras.EXTRA_OF) | set(sys.stdlib_module_names)
    assert {path.name: extra for path in SOURCES if (extra := imports_of(path) - known)} == {}


def test_a_missing_library_is_an_input_error_and_an_import_error(monkeypatch):
    monkeypatch.setitem(extras.EXTRA_OF, "no_such_thing", "video")
    with pytest.raises(MissingExtraError, match=r"^a film wants no_such_thing, .*'bcl-fast\[video\]'$") as caught:
        extras.require("a film", "sys", "no_such_thing")
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ImportError)
    assert caught.value.name == "no_such_thing"
