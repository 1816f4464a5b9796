"""The command line as a process: pipes, exit codes, interrupts."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from bcl_fast.results._result import COLUMNS
from tests.helpers.cli import QUICK, listing
from tests.helpers.processes import killed_at_last

BCL_FAST = (sys.executable, "-m", "bcl_fast")


def start(*arguments: object, **options: object) -> subprocess.Popen:
    return subprocess.Popen([*BCL_FAST, *map(str, arguments)], **options)  # type: ignore[call-overload]


def test_a_pipe_from_simulation_to_clusters():
    with start("simulate", "-o", "-", "--scale", "0.002", stdout=subprocess.PIPE) as simulation:
        command = [*BCL_FAST, "cluster", "-", "--threshold", "0.8", "-o", "-"]
        clusters = subprocess.run(command, stdin=simulation.stdout, capture_output=True, text=True)
    assert (simulation.returncode, clusters.returncode) == (0, 0)
    rows = list(csv.DictReader(io.StringIO(clusters.stdout)))
    assert tuple(rows[0]) == COLUMNS
    assert clusters.stderr.startswith(f"{len(rows)} tracks, ")


def test_exit_codes_of_the_process(tmp_path):
    bad = subprocess.run([*BCL_FAST, "cluster", "no.parquet", "--threshold", "1", "-o", "-"], capture_output=True)
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.startswith(b"error: no.parquet: ")
    assert bad.stderr.count(b"\n") == 1
    assert subprocess.run([*BCL_FAST, "cluster"], capture_output=True).returncode == 2


def test_a_reader_that_stops_reading_is_no_traceback(tmp_path):
    np.save(tmp_path / "many.npy", np.random.default_rng(0).standard_normal((8000, 8)))
    arguments = ("cluster", tmp_path / "many.npy", "--threshold", "0", "-o", "-")
    with start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_exits_with_130_and_leaves_nothing_half_written(folder, tmp_path):
    arguments = ("train", folder / "train.parquet", "-o", tmp_path / "m.safetensors", *QUICK, "--epochs", 10**9)
    with killed_at_last(start(*arguments, stderr=subprocess.PIPE, text=True)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("epoch ")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest
    assert listing(tmp_path) == {}
