"""The pool of threads: never more than processors, given back when idle, and no obstacle to the end of the program."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from bcl_fast import _core

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")


def threads() -> set[str]:
    return set(os.listdir("/proc/self/task"))


def test_no_more_threads_than_processors():
    before = threads()
    _core.radius_graph(np.zeros((5000, 4), np.float32), 0.0, _core.Execution(2000))
    assert len(threads() - before) < len(os.sched_getaffinity(0))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor: there is no pool")
def test_idle_threads_end_and_come_back():
    X = np.random.default_rng(0).normal(size=(2000, 4)).astype(np.float32)
    wanted = _core.radius_graph(X, 0.1, _core.Execution(1))
    before = threads()
    _core.radius_graph(X, 0.1, _core.Execution(2))
    started = threads() - before
    deadline = time.monotonic() + 60  # they wait for two seconds; a loaded machine may take longer
    while started & threads() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not started & threads()
    for mine, theirs in zip(_core.radius_graph(X, 0.1, _core.Execution(2)), wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)


LEFT_INSIDE = """
import sys, threading, time, numpy as np
from bcl_fast import complete_linkage
X = np.random.default_rng(0).standard_normal((20000, 32)).astype("f")
inside = threading.Event()
def work():
    while True: complete_linkage(X, 20.0, n_jobs={n_jobs}, progress=lambda now: inside.set())
threading.Thread(target=work, daemon=True).start()
inside.wait()
time.sleep({seconds})
sys.exit(0)
"""


@pytest.mark.parametrize("seconds", [0, 0.05, 0.2])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_program_ends_while_a_daemon_thread_is_inside(n_jobs, seconds):
    code = LEFT_INSIDE.format(n_jobs=n_jobs, seconds=seconds)
    left = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (left.returncode, left.stderr) == (0, "")
