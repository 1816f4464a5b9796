"""`memory_limit` holds: what a clustering takes at its peak, measured in a process of its own for each shape."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Resident pages at the peak beyond those before the call, as the kernel counts them.
MEASURED = """
import sys, numpy as np
from bcl_fast import average_linkage, complete_linkage
function, n, d, factor, dtype, metric = sys.argv[1:]
call, n, d = {"complete": complete_linkage, "average": average_linkage}[function], int(n), int(d)
rng = np.random.default_rng(0)
X = rng.standard_normal((n // 20, d), dtype=np.float32)[rng.integers(0, n // 20, n)]
X += 0.3 * rng.standard_normal((n, d), dtype=np.float32)
X /= np.linalg.norm(X, axis=1, keepdims=True)
X = (X * 100).astype(dtype) if dtype.startswith("int") else X.astype(dtype)
threshold = 8200.0 if dtype.startswith("int") else 0.82
if metric == "one-hot":  # all pairs are measured at once
    X, threshold, metric = np.eye(n, d, dtype=np.float32), 2.0, "sqeuclidean"
call(X[:300].copy(), threshold, metric=metric, n_jobs=2)
def status(name):
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
def refused():
    try: call(X, threshold, metric=metric, memory_limit=1)
    except ValueError as error: return int(str(error).split("at least ")[1].split()[0].replace(",", ""))
limit = int(float(factor) * refused())
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
call(X, threshold, metric=metric, memory_limit=limit, n_jobs=2)
print((status("VmHWM") - before) / limit)
"""

SHAPES = [(5000, 2048), (2000, 4096), (20_000, 512), (20_000, 64), (30_000, 16), (3000, 32)]


def share_of_the_limit(n: int, d: int, function: str, factor: float, dtype: str, metric: str) -> float:
    arguments = [function, str(n), str(d), str(factor), dtype, metric]
    run = subprocess.run([sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return float(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("function", ["complete", "average"])
@pytest.mark.parametrize("factor", [1.0, 1.3, 1.5])
def test_where_all_pairs_tie(function, factor):
    assert share_of_the_limit(2500, 2500, function, factor, "float32", "one-hot") <= 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize(
    ("function", "dtype", "metric", "factor"),
    [
        ("complete", "float32", "sqeuclidean", 1.0),
        ("complete", "float32", "sqeuclidean", 1.5),
        ("complete", "float32", "cosine", 1.0),
        ("complete", "int16", "sqeuclidean", 1.0),
        ("average", "float64", "sqeuclidean", 1.0),
    ],
)
def test_the_peak_stays_below_the_limit(n, d, function, dtype, metric, factor):
    assert share_of_the_limit(n, d, function, factor, dtype, metric) <= 1
