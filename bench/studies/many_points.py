"""Complete linkage of more points than any peer can: time, processor time and peak memory of every stage.

``python -m bench.studies.many_points 10000000 --memory-limit 11e9`` clusters once, prints a line for every stage as it
ends, and then looks whether it is one: clusters within the threshold, and none of a sample that still could merge.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bcl_fast.cluster import Progress, complete_linkage
from bench.cluster.peers import peak_bytes
from bench.data import DISTANCE_THRESHOLD, identity_vectors

ROUNDING = 1e-5  # of distances by products of float32, beside their exact values


def peak_gb() -> float:
    """Peak resident memory of this process since the last call, in 10**9 bytes."""
    n_bytes = peak_bytes()
    Path("/proc/self/clear_refs").write_text("5")
    return n_bytes / 1e9


class StageLog:
    """Prints a row for every stage of a linkage when the next begins, and adds up."""

    def __init__(self) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter(), time.process_time()
        self.start = self.seconds, self.cpu_seconds
        self.stage, self.n_clusters = "points", 0
        self.most_gb = 0.0
        print("| stage | clusters | seconds | processor seconds | peak GB |\n|---|---|---|---|---|", flush=True)

    def __call__(self, progress: Progress) -> None:
        if (progress.stage, progress.n_clusters) != (self.stage, self.n_clusters):
            self.end_stage()
            self.stage, self.n_clusters = progress.stage, progress.n_clusters

    def end_stage(self) -> None:
        seconds, cpu_seconds, gb = time.perf_counter(), time.process_time(), peak_gb()
        took = f"{seconds - self.seconds:.1f} | {cpu_seconds - self.cpu_seconds:.1f} | {gb:.2f}"
        print(f"| {self.stage} | {self.n_clusters:,} | {took} |", flush=True)
        self.seconds, self.cpu_seconds, self.most_gb = seconds, cpu_seconds, max(self.most_gb, gb)

    def total(self) -> str:
        seconds, cpu_seconds = self.seconds - self.start[0], self.cpu_seconds - self.start[1]
        return f"| **in all** | | {seconds:.1f} | {cpu_seconds:.1f} | {self.most_gb:.2f} |"


def widest_and_closest(
    points: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], n_looked_at: int
) -> tuple[float, float]:
    """Return the largest diameter of a sample of clusters, and the least complete distance of one to any other."""
    sizes = np.bincount(labels)
    sample = np.random.default_rng(0).choice(len(sizes), n_looked_at, replace=False)
    by_cluster = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    norms = np.einsum("ij,ij->i", points, points)
    widest, closest = 0.0, np.inf
    for cluster in sample:
        members = by_cluster[starts[cluster] : starts[cluster + 1]]
        farthest = np.zeros(len(points), np.float32)  # of every point from the members
        for member in members:
            np.maximum(farthest, norms + norms[member] - 2 * (points @ points[member]), out=farthest)
        widest = max(widest, float(farthest[members].max()))
        distances = np.maximum.reduceat(farthest[by_cluster], starts[:-1])
        closest = min(closest, float(np.delete(distances, cluster).min()))
    return widest, closest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n", type=int)
    parser.add_argument("--memory-limit", type=float)
    parser.add_argument("--n-looked-at", type=int, default=50)
    args = parser.parse_args()
    points = identity_vectors(args.n)
    print(f"{args.n:,} points of {points.shape[1]} features: {points.nbytes / 1e9:.2f} GB (peak {peak_gb():.2f} GB)\n")
    log = StageLog()
    memory_limit = None if args.memory_limit is None else int(args.memory_limit)
    linkage = complete_linkage(points, DISTANCE_THRESHOLD, memory_limit=memory_limit, progress=log)
    log.end_stage()
    print(log.total())
    sizes = np.bincount(linkage.labels)
    print(
        f"\n{len(sizes):,} clusters, the largest of {sizes.max():,} points; {len(linkage.merges):,} merges", flush=True
    )
    widest, closest = widest_and_closest(points, linkage.labels, args.n_looked_at)
    print(f"of {args.n_looked_at} clusters the widest has {widest:.6f}, the closest to another {closest:.6f}")
    assert widest <= DISTANCE_THRESHOLD + ROUNDING
    assert closest > DISTANCE_THRESHOLD - ROUNDING


if __name__ == "__main__":
    main()
