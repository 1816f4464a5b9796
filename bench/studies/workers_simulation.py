"""What more workers would make of a clustering: its measured tasks replayed on P of them.

``python -m bench.cluster.workers 300000 --blocks 10 --tasks tasks.json`` measures, and
``python -m bench.studies.workers_simulation tasks.json`` replays: tasks in the order in which they were handed out,
each to the worker that is free first, at most one every `SECONDS_PER_HANDOUT`; what follows waits until all are done (a
rung's pairs, then its merges by the driver, then the heights). What the driver did itself is not divided.
"""

from __future__ import annotations

import argparse
import heapq
import json
from itertools import groupby
from pathlib import Path
from typing import Any

WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)
SECONDS_PER_HANDOUT = 0.0012  # of the driver, for a task that does nothing (docs/guides/cluster_of_machines.md)


def stages_of(tasks: list[dict[str, Any]]) -> list[list[float]]:
    """Return the seconds of tasks, in groups of one kind that were done after each other: what waits for what."""
    return [[task["seconds"] for task in group] for _, group in groupby(tasks, key=lambda task: task["task"])]


def replay(stages: list[list[float]], n_workers: int, handout: float = SECONDS_PER_HANDOUT) -> float:
    """Return the seconds from the first task to the last, on so many workers."""
    now = 0.0
    for stage in stages:
        free = [now] * n_workers
        handed_out = end = now
        for seconds in stage:
            start = max(handed_out, heapq.heappop(free))
            heapq.heappush(free, start + seconds)
            handed_out, end = handed_out + handout, max(end, start + seconds)
        now = end
    return now


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", type=Path)
    given = json.loads(parser.parse_args().tasks.read_text())
    stages, driver = stages_of(given["tasks"]), given["driver_seconds"]
    total = sum(map(sum, stages))
    n_tasks = len(given["tasks"])
    print(f"{given['n']:,} points, {n_tasks:,} tasks of {total:.1f} s, the driver {driver:.1f} s")
    print(f"{'workers':>8}{'tasks, s':>11}{'whole, s':>11}{'speed-up':>10}{'busy':>7}")
    alone = replay(stages, 1) + driver
    for n_workers in WORKERS:
        seconds = replay(stages, n_workers)
        speed_up = alone / (seconds + driver)
        busy = total / (n_workers * seconds)
        print(f"{n_workers:8}{seconds:11.2f}{seconds + driver:11.2f}{speed_up:10.1f}{busy:7.0%}")


if __name__ == "__main__":
    main()
