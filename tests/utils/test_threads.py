"""How many threads are asked for."""

from __future__ import annotations

import os
import subprocess
import sys

import joblib
import pytest

from bcl_fast._utils.threads import available_cores, n_threads
from bcl_fast.errors import InputError


def test_negative_numbers_leave_cores_free(monkeypatch):
    monkeypatch.setattr(joblib, "cpu_count", lambda: 6)
    assert [n_threads(n_jobs) for n_jobs in (None, 1, 9, -1, -2, -6, -7, -99)] == [0, 1, 9, 6, 5, 1, 1, 1]


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True])
def test_what_is_no_number_of_threads(n_jobs):
    with pytest.raises(InputError, match="n_jobs must be None or a whole number other than 0"):
        n_threads(n_jobs)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process to a core")
def test_affinity_is_honoured():
    core = min(os.sched_getaffinity(0))
    code = (
        f"import os; os.sched_setaffinity(0, {{{core}}}); "
        "from bcl_fast._utils.threads import n_threads; print(n_threads(-1), n_threads(-2))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.split() == ["1", "1"]
    assert available_cores() >= 1


def test_joblib_is_imported_only_where_cores_are_counted():
    code = "import sys, bcl_fast; bcl_fast.complete_linkage([[0.0]], 1.0, n_jobs=None); print('joblib' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "False\n"
