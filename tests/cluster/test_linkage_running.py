"""How the linkages run: the same bits on any threads and instruction set, interruptible, light to import."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bcl_fast import _core, average_linkage, complete_linkage, radius_graph
from tests.helpers.processes import killed_at_last


@pytest.fixture(scope="module")
def overlapping_clusters():
    rng = np.random.default_rng(2)
    return (rng.normal(size=(50, 24))[rng.integers(50, size=1500)] + rng.normal(size=(1500, 24))).astype(np.float32)


@pytest.mark.parametrize("linkage", [complete_linkage, average_linkage])
@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_same_bits_for_any_number_of_threads(overlapping_clusters, n_jobs, linkage):
    one, many = (linkage(overlapping_clusters, 50.0, n_jobs=jobs) for jobs in (1, n_jobs))
    assert 1 < one.n_clusters < 1500
    np.testing.assert_array_equal(one.labels, many.labels)
    np.testing.assert_array_equal(one.merges, many.merges)


def digest(X):
    graph, complete, average = radius_graph(X, 50.0), complete_linkage(X, 50.0), average_linkage(X)
    arrays = (graph.indptr, graph.indices, graph.data, complete.labels, complete.merges, average.merges)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


@pytest.mark.parametrize("path", _core.simd_paths())
def test_same_bits_on_every_simd_path(overlapping_clusters, path, tmp_path):
    np.save(tmp_path / "X.npy", overlapping_clusters)
    code = (
        "import sys, numpy as np; from bcl_fast import _core; "
        "from tests.cluster.test_linkage_running import digest; "
        "print(_core.simd_path(), digest(np.load(sys.argv[1])))"
    )
    search = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"BCL_SIMD": path, "PYTHONPATH": os.pathsep.join(search)}
    command = [sys.executable, "-c", code, str(tmp_path / "X.npy")]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert output.split() == [path, digest(overlapping_clusters)]


WORKING = """
import numpy as np
from bcl_fast import complete_linkage
X = np.random.default_rng(0).random((600_000, 64), np.float32)
try:
    while True:
        complete_linkage(X, 0.0, n_jobs={n_jobs}, progress=lambda progress: print(progress.share, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_ends_it(n_jobs):
    command = [sys.executable, "-c", WORKING.format(n_jobs=n_jobs)]
    with killed_at_last(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as process:
        next(line for line in process.stdout if 0 < float(line) < 1)  # it works, and looks up on its way
        process.send_signal(signal.SIGINT)
        assert process.stdout.read().endswith("interrupted\n")
        assert process.wait() == 0


def test_importing_is_light():
    heavy = {"sklearn", "scipy", "torch", "pyarrow"}
    code = f"import sys, bcl_fast; bcl_fast.linkage; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"
