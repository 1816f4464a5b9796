"""The inner loops of every instruction set do what plain loops do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bcl_fast import _core
from tests.core.simd.programs import EMULATED, build, run, sources

TWIN = Path(__file__).with_name("plain_twin.cpp")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.mark.slow
def test_of_this_machine(folder):
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed")
    program = build("g++", TWIN, sources("simd"), folder)
    for path in _core.simd_paths():
        assert run(program, path=path) == f"{path}\n"


@pytest.mark.skipif("BCL_TEST_ARM" not in os.environ, reason="BCL_TEST_ARM is not set: make test-arm")
@pytest.mark.parametrize("processor", EMULATED)
def test_of_aarch64_under_emulation(folder, processor):
    program = build("aarch64-linux-gnu-g++", TWIN, sources("simd"), folder)
    paths = EMULATED[processor]
    assert run(program, processor=processor) == f"{paths[-1]}\n"  # what is found by itself
    for path in paths:
        assert run(program, path=path, processor=processor) == f"{path}\n"


@pytest.mark.skipif("BCL_TEST_ARM" not in os.environ, reason="BCL_TEST_ARM is not set: make test-arm")
def test_an_instruction_set_that_a_processor_lacks_is_refused(folder):
    program = build("aarch64-linux-gnu-g++", TWIN, sources("simd"), folder)
    with pytest.raises(AssertionError, match="BCL_SIMD must be one of dotprod, neon on this machine, got 'i8mm'"):
        run(program, path="i8mm", processor="neoverse-n1")
