"""Every code block of the documentation runs: Python, sessions, and commands with what they print."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\{?[\w-]*\}?)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = {"python", "pycon", "console"}
DATA = {"csv", "bibtex", "text", "json"}  # shown, not run
DIRECTIVES = {"{toctree}", "{eval-rst}", "{commands}", "{figure}"}
INSTALLS = re.compile(r"(pip install|make|git clone) ")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


class Block(NamedTuple):
    language: str
    code: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text()
    return [Block(found[1], found[2], text.count("\n", 0, found.start()) + 2) for found in FENCE.finditer(text)]


def run_session(block: Block, names: dict[str, object], page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, {}, page.name, str(page), block.line)
    test.globs = names
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=report.append, clear_globs=False)
    assert not runner.failures, "".join(report)


def run_commands(block: Block, folder: Path) -> None:
    """Run each line after a dollar, and compare what it prints as doctest would."""
    programs = folder / ".bin"
    for name, arguments in (("bcl-fast", "-m bcl_fast"), ("python", "")):
        programs.mkdir(exist_ok=True)
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (programs / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "COLUMNS": "200"}
    for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        run = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment, text=True, capture_output=True
        )
        printed = run.stdout + run.stderr
        assert run.returncode == 0, f"{command}\n{printed}"
        assert doctest.OutputChecker().check_output(wanted, printed, FLAGS), f"{command}\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_code_of_the_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks_of(page):
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), names)
        elif block.language == "pycon":
            run_session(block, names, page)
        elif block.language == "console":
            run_commands(block, tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_no_block_escapes(page):
    text = page.read_text()
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(blocks_of(page))
    for block in blocks_of(page):
        assert block.language in RUN | DATA | DIRECTIVES | {"sh"}, block
        if block.language == "sh":
            assert all(INSTALLS.match(line) for line in block.code.splitlines()), block


def public_names() -> list[tuple[str, str]]:
    found = [("errors", "InputError"), ("errors", "MissingExtraError")]
    for stub in sorted((ROOT / "python" / "bcl_fast").glob("*/__init__.pyi")):
        if stub.parent.name != "cli":
            found += [
                (stub.parent.name, name) for name in re.findall(r'^    "(\w+)",$', stub.read_text(), re.MULTILINE)
            ]
    return found


@pytest.mark.parametrize(("package", "name"), public_names(), ids=lambda value: value)
def test_every_public_name_is_in_the_reference_and_in_an_example(package, name):
    page = DOCS / "reference" / f"{package}.md"
    assert re.search(rf"^   {name}$", page.read_text(), re.MULTILINE)
    code = "".join(block.code for block in blocks_of(page) if block.language in RUN)
    assert len(re.findall(rf"\b{name}\b", code)) >= 2, "imported, and used"
