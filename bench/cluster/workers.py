"""Clustering by two workers of a Ray cluster beside one process with one thread: processor time, bytes, tasks.

``python -m bench.cluster.workers 300000`` prints a table; ``--tasks FILE`` keeps what each task took, as JSON, for
``bench.studies.workers_simulation``. The cluster is one machine of two cores: a task of two threads at a time, or with
``--cores-per-task 1`` two tasks. Processor time is that of the call and of all its processes, Ray's own included,
without the start of the cluster; it depends little on how busy the machine is, but for what Ray does while it waits,
which is measured too and told.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bcl_fast import complete_linkage
from bcl_fast.cluster import CompleteLinkage
from bcl_fast.distributed import RayEngine, _linkage, _tasks, _workers
from bcl_fast.distributed._connection import connected
from bench.data import DISTANCE_THRESHOLD, identity_vectors

N_CORES = 2
SECONDS_IDLE = 20
NOTES = "BCL_BENCH_TASKS"  # the folder that workers write to


class Moved:
    """Bytes that go to tasks, as if each came from another machine, and that come back to the driver."""

    def __init__(self, bytes_per_row: int) -> None:
        self.bytes_per_row = bytes_per_row
        self.to_tasks = self.to_driver = 0
        self.sizes: dict[Any, int] = {}  # of what references stand for

    def watch(self) -> None:
        """Count all that passes through the workers from now on."""
        start, answer = _workers.Workers._start, _workers.Workers._answer
        keep = _workers.Workers.keep

        def counted_keep(workers: Any, value: Any) -> Any:
            reference = keep(workers, value)
            self.sizes[reference] = bytes_of(value)
            return reference

        def counted_start(workers: Any, call: Any, threaded: bool) -> Any:
            references = start(workers, call, threaded)
            task, arguments = call.task.__name__, call.arguments
            size = sum(self.sizes.get(one, 0) if is_reference(one) else bytes_of(one) for one in arguments)
            self.to_tasks += size
            if task == "load":
                self.sizes[references[0]] = bytes_of(arguments[0]) or self.sizes.get(arguments[0], 0)
            elif task == "deal":
                width = self.bytes_per_row
                for reference, rows in zip(references, arguments[1:], strict=False):
                    self.sizes[reference] = len(rows) * width
            elif task == "put_together":
                self.sizes[references[0]] = sum(self.sizes.get(one, 0) for one in arguments[1:])
            return references

        def counted_answer(workers: Any, reference: Any) -> Any:
            value = answer(workers, reference)
            self.to_driver += bytes_of(value)
            return value

        watched: Any = _workers.Workers
        watched.keep, watched._start, watched._answer = counted_keep, counted_start, counted_answer


def is_reference(value: Any) -> bool:
    return type(value).__name__ == "ObjectRef"


def bytes_of(value: Any) -> int:
    """Bytes of the arrays in a value."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(map(bytes_of, value)) if isinstance(value, list | tuple) else 0


def processor_seconds() -> float:
    """Of this process and of all below it."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            total += sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def timed(points: Any, **options: Any) -> tuple[CompleteLinkage, float, float]:
    before, start = processor_seconds(), time.perf_counter()
    result = complete_linkage(points, DISTANCE_THRESHOLD, **options)
    return result, processor_seconds() - before, time.perf_counter() - start


def noted(of_driver: dict[str, str], task: Any, *arguments: Any) -> Any:
    """Do a task, and append the processor time that it took to a file of the worker's."""
    start, at = time.process_time(), time.time()
    value = _tasks.run(of_driver, task, *arguments)
    line = json.dumps({"task": task.__name__, "start": at, "seconds": time.process_time() - start})
    with (Path(os.environ[NOTES]) / str(os.getpid())).open("a") as file:
        file.write(f"{line}\n")
    return value


def notes_of(folder: str) -> list[dict[str, Any]]:
    """All notes, in the order of their tasks."""
    lines = [line for file in Path(folder).iterdir() for line in file.read_text().splitlines()]
    return sorted(map(json.loads, lines), key=lambda note: note["start"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int)
    parser.add_argument("--tasks", type=Path)
    parser.add_argument("--blocks", type=int, help="of points; by default as many as two cores want")
    parser.add_argument("--cores-per-task", type=int)
    given = parser.parse_args()
    points = identity_vectors(given.n)
    patched: Any = _linkage
    if given.blocks is not None:
        patched._n_blocks = lambda *_: given.blocks
    one, seconds_of_one, wall_of_one = timed(points, n_jobs=1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[NOTES] = folder
        patched = _workers
        patched.run = noted
        engine = RayEngine(cores_per_task=given.cores_per_task)
        with connected("local", N_CORES):
            complete_linkage(points[:3000], DISTANCE_THRESHOLD, engine=engine)  # the workers start
            time.sleep(3)  # what Ray does at its start
            before = processor_seconds()
            time.sleep(SECONDS_IDLE)
            idle = (processor_seconds() - before) / SECONDS_IDLE
            moved, start = Moved(points[0].nbytes), time.time()
            moved.watch()
            many, seconds_of_many, wall_of_many = timed(points, engine=engine)
        tasks = [note for note in notes_of(folder) if note["start"] >= start]
    assert np.array_equal(one.labels, many.labels)
    assert np.array_equal(one.merges, many.merges)
    print(f"{given.n:,} x {points.shape[1]}, {one.n_clusters:,} clusters, the same bits")
    print(f"processor seconds: one process {seconds_of_one:.1f}, workers {seconds_of_many:.1f}: ", end="")
    print(f"{seconds_of_many / seconds_of_one:.2f} times; wall {wall_of_one:.1f} and {wall_of_many:.1f} s")
    print(f"a cluster that does nothing: {idle:.1%} of a core, {idle * wall_of_many:.1f} s of these")
    print(f"megabytes: {moved.to_tasks / 1e6:,.0f} to tasks, {moved.to_driver / 1e6:,.0f} to the driver")
    by_name: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        by_name[task["task"]].append(task["seconds"])
    for name, seconds in by_name.items():
        print(f"{name:18}{len(seconds):5} tasks {sum(seconds):9.2f} s")
    in_tasks = sum(task["seconds"] for task in tasks)
    driver = seconds_of_many - in_tasks - idle * wall_of_many
    print(f"driver {driver:.1f} s, {driver / len(tasks) * 1e3:.0f} ms for each of {len(tasks)} tasks at most")
    if given.tasks is not None:
        given.tasks.write_text(json.dumps({"n": given.n, "driver_seconds": driver, "tasks": tasks}, indent=1))


if __name__ == "__main__":
    main()
