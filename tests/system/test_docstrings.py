"""The examples in the docstrings run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import bcl_fast

MODULES = ["bcl_fast", *(found.name for found in pkgutil.walk_packages(bcl_fast.__path__, "bcl_fast."))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(name) for name in MODULES if not name.endswith("__main__")]
    return [found for module in modules for found in finder.find(module, module.__name__) if found.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_example(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    failures = doctest.DocTestRunner(optionflags=FLAGS).run(example, out=report.append).failed
    assert not failures, "".join(report)


def test_every_examples_section_has_an_example():
    finder = doctest.DocTestFinder()
    for name in MODULES:
        for found in finder.find(importlib.import_module(name), name) if not name.endswith("__main__") else ():
            assert bool(found.examples) == ("Examples\n" in (found.docstring or "")), found.name
