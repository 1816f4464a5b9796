"""Workers that die, tasks that fail, and files that workers cannot use: the same bits, or one sentence."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_fast import InputError, complete_linkage
from bcl_fast._utils.extras import is_installed
from bcl_fast._utils.process_group import LostProcesses
from bcl_fast.cluster import Progress
from bcl_fast.distributed import ParquetPoints, RayEngine
from tests.helpers.linkage import identities

if not is_installed("ray"):  # importing it here would be too early for what `connected` tells it
    pytest.skip("Ray is not installed: pip install 'bcl-fast[ray]'", allow_module_level=True)
X = identities(6000, 16)
TWO_TASKS = RayEngine(cores_per_task=1)  # at a time, and so two blocks


class Unsteady(ParquetPoints):
    """Points whose reading does something first, so many times for each range."""

    def __init__(self, path: Path, what: str, times: int) -> None:
        self.what, self.times = "", times
        super().__init__(path)
        self.what = what

    def read(self, first: int, last: int) -> npt.NDArray[Any]:
        tried = Path(self.path).with_suffix(f".{first}")
        n = int(tried.read_text()) if tried.exists() else 0
        if self.what and n < self.times:
            tried.write_text(str(n + 1))
            if self.what == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(5, self.what)
        return super().read(first, last)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "points.parquet"
    pq.write_table(pa.table({"embedding": list(X)}), path, row_group_size=1700)
    return path


def is_worker(process: psutil.Process) -> bool:
    try:
        title = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return title.startswith("ray::") and "Agent" not in title  # without those the node dies


def assert_bits(found: Any) -> None:
    wanted = complete_linkage(X, 0.6)
    np.testing.assert_array_equal(found.merges, wanted.merges)
    np.testing.assert_array_equal(found.labels, wanted.labels)


@pytest.mark.parametrize(("what", "times"), [("die", 1), ("no such disk", 2)])
def test_what_fails_at_first_is_done_at_last(workers, file, what, times):
    assert_bits(complete_linkage(Unsteady(file, what, times), 0.6, engine=TWO_TASKS))


def test_what_fails_three_times_is_one_sentence(workers, file):
    with pytest.raises(LostProcesses, match=r"^a task failed 3 times, the last time with OSError: .*no such disk$"):
        complete_linkage(Unsteady(file, "no such disk", 3), 0.6, engine=TWO_TASKS)
    with pytest.raises(LostProcesses, match=r"^a task was tried 3 times, and its worker died each time: ") as caught:
        complete_linkage(Unsteady(file, "die", 9), 0.6, engine=TWO_TASKS)
    assert "\n" not in str(caught.value)


def test_workers_killed_in_the_middle(workers, capfd):
    killed: list[int] = []

    def kill(told: Progress) -> None:
        if told.share > 0 and len(killed) < 2:
            of_ray = [child for child in psutil.Process().children(recursive=True) if is_worker(child)]
            for child in of_ray:
                child.kill()
            killed.append(len(of_ray))

    assert_bits(complete_linkage(X, 0.6, engine=TWO_TASKS, progress=kill))
    assert sum(killed) > 0
    assert capfd.readouterr() == ("", "")


def test_what_progress_raises_calls_the_tasks_off(workers):
    class Enough(Exception):
        pass

    def stop(told: Progress) -> None:
        if told.share > 0:
            raise Enough

    with pytest.raises(Enough):
        complete_linkage(X, 0.6, engine=TWO_TASKS, progress=stop)
    assert_bits(complete_linkage(X, 0.6, engine=TWO_TASKS))


def test_points_are_read_where_they_are_wanted(workers, tmp_path):
    for name, part in (("b", X[2500:]), ("a/x", X[:2500]), ("c", X[:0])):
        path = tmp_path / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(
            pa.table({"n": range(len(part)), "embedding": pa.array(list(part), pa.list_(pa.float32(), 16))}), path
        )
    points = ParquetPoints(tmp_path)
    assert (points.shape, points.dtype) == ((6000, 16), np.float32)
    np.testing.assert_array_equal(points.read(2400, 2600), X[2400:2600])
    assert_bits(complete_linkage(points, 0.6, engine=TWO_TASKS, memory_limit=8_000_000))
    with pytest.raises(InputError, match=r"^a ParquetPoints is read by workers: give engine='ray'"):
        complete_linkage(points, 0.6)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"features": [[1.0]]}, r"must have a column 'embedding', got 'features'$"),
        ({"embedding": [1.0]}, r"must hold a list of numbers for each row, got double$"),
        ({"embedding": [["a"]]}, r"must hold numbers alone, got list<.*string>$"),
        ({"embedding": [[1.0], None]}, r"must have no empty places, got 1$"),
        ({"embedding": [[1.0], [None]]}, r"must hold numbers alone"),
        ({"embedding": [[1.0], [1.0, 2.0, 3.0]]}, r"must have one length, got several"),
        ({"embedding": [[1.0], [float("nan")], [2.0]]}, r"^X must be finite, got nan in row 1, column 0$"),
    ],
)
def test_files_that_cannot_be_used(workers, tmp_path, table, says):
    pq.write_table(pa.table(table), tmp_path / "x.parquet")
    with pytest.raises(InputError, match=says):
        complete_linkage(ParquetPoints(tmp_path / "x.parquet"), 0.6, engine=TWO_TASKS)


def test_files_that_are_none(tmp_path):
    with pytest.raises(InputError, match=r"must be a \.parquet file or a folder of them, got a folder without any$"):
        ParquetPoints(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match=r"x\.parquet must be a Parquet file: "):
        ParquetPoints(tmp_path)
    with pytest.raises(InputError, match=r"missing\.parquet must be a Parquet file: "):
        ParquetPoints(tmp_path / "missing.parquet")
