"""The command doctor: what is wrong is said in words."""

from __future__ import annotations

import pytest

from bcl_fast._utils.extras import EXTRA_OF
from bcl_fast.cli import _doctor
from bcl_fast.cli._doctor import Finding, check_extras, check_gpu, check_instructions, check_memory, check_threads
from tests.helpers.cli import run

GB = 1 << 30


def only(findings) -> tuple[str, str]:
    ((level, _, says),) = findings
    return level, says


def test_the_doctor_finds_nothing_wrong_here():
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "nothing is wrong"
    assert "gives SciPy's clusters" in result.stdout
    assert [line[:5].strip() for line in result.stdout.splitlines() if line.startswith("wrong")] == []


def test_what_is_wrong_is_counted_and_ends_with_1(monkeypatch):
    monkeypatch.setattr(_doctor, "examine", lambda: iter([Finding("wrong", "core", "it is broken")]))
    result = run("doctor")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == ["wrong core           it is broken", "", "1 thing wrong"]


def test_labels_that_are_not_scipys_are_wrong(monkeypatch):
    import bcl_fast

    monkeypatch.setattr(bcl_fast, "complete_linkage", lambda points, threshold: Everything(len(points)))
    assert [finding.level for finding in _doctor.check_core()] == ["wrong"]


class Everything:
    """One cluster of all."""

    def __init__(self, n: int) -> None:
        import numpy as np

        self.labels = np.zeros(n, np.int64)


def test_two_installations_are_told(monkeypatch):
    import bcl_fast

    monkeypatch.setattr(bcl_fast, "__version__", "0.0.1")
    first, second = _doctor.check_core()
    assert (first.level, second.level) == ("wrong", "ok")
    assert "0.0.1 is imported" in first.says


def test_each_missing_extra_has_its_command():
    found = list(check_extras({library: library != "torch" for library in EXTRA_OF}))
    (note,) = [finding for finding in found if finding.level == "note"]
    assert note.says == "torch not installed; where you need it: pip install 'bcl-fast[train]'"


@pytest.mark.parametrize(
    ("used", "possible", "level", "says"),
    [
        ("avx2", ["avx512", "avx2", "baseline"], "note", "this machine runs avx512: unset BCL_SIMD"),
        ("baseline", ["baseline"], "note", "no faster loops for this processor"),
        ("avx2", ["avx2", "baseline"], "ok", "avx2, the fastest of avx2, baseline"),
        ("neon", ["neon"], "ok", "neon, which is all that this processor has"),
    ],
)
def test_instruction_sets(used, possible, level, says):
    found = only(check_instructions(used, possible))
    assert found[0] == level
    assert says in found[1]


@pytest.mark.parametrize(
    ("threads", "affinity", "cores", "wanted", "says"),
    [
        (8, 8, 8, None, ["8, on 8 processors"]),
        (2, 16, 2, None, ["grants 2 of 16 processors (cpu.max)", "2, on 2 processors"]),
        (64, 4, 4, "64", ["64 by OMP_NUM_THREADS, on 4 processors"]),
        (1, 4, 4, "1", ["1 by OMP_NUM_THREADS, of 4 that could be used"]),
        (4, 4, 4, "many", ["OMP_NUM_THREADS is no number ('many') and not heeded: 4 are used"]),
    ],
)
def test_threads_and_control_groups(threads, affinity, cores, wanted, says):
    environment = {} if wanted is None else {"OMP_NUM_THREADS": wanted}
    found = [finding.says for finding in check_threads(threads, affinity, cores, environment)]
    assert len(found) == len(says)
    assert all(part in text for part, text in zip(says, found, strict=True))


def test_memory():
    assert only(check_memory(8 * GB, None)) == ("ok", "8.0 GB can be had")
    level, says = only(check_memory(GB // 2, GB // 2))
    assert level == "note"
    assert says.startswith("0.5 GB can be had, which the control group leaves: many points take long")


@pytest.mark.parametrize(
    ("built", "devices", "torch_finds", "level", "says"),
    [
        (-1, "not built in", False, "ok", "none, and the core was built without CUDA"),
        (-1, "not built in", None, "ok", "none, and the core was built without CUDA"),
        (-1, "not built in", True, "note", "install with BCL_CUDA=ON"),
        (13000, "the driver is too old", True, "wrong", "built with CUDA 13.0, and can use no device: the driver"),
        (13000, "no driver", False, "ok", "can use no device: no driver"),
        (12080, 2, False, "note", "built with CUDA 12.8, finds 2 devices, but torch none"),
        (13000, 1, True, "ok", "1 device; built with CUDA 13.0"),
        (13000, 1, None, "ok", "1 device"),
    ],
)
def test_gpus(built, devices, torch_finds, level, says):
    found = only(check_gpu(built, devices, torch_finds))
    assert found[0] == level
    assert says in found[1]
