"""Turn the JSON of pytest-benchmark into bench/RESULTS.md: ``python -m bench.report build/bench.json``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMAND = "make bench"


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def of_group(results: dict[str, Any], group: str) -> list[dict[str, Any]]:
    return [b for b in results["benchmarks"] if b["group"] == group]


def median(benchmark: dict[str, Any]) -> float:
    return benchmark["stats"]["median"]


def best(benchmark: dict[str, Any]) -> float:
    return benchmark["stats"]["min"]


def machine(results: dict[str, Any]) -> Iterator[str]:
    info, core = results["machine_info"], results["machine_info"]["bcl_fast"]
    cpu = info["cpu"]["brand_raw"]
    yield f"- {cpu}, {core['threads']} threads, {core['simd_path']}; {info['system']} {info['machine']}"
    yield f"- Python {core['python']}; " + ", ".join(f"{name} {number}" for name, number in core["versions"].items())
    yield f"- `{COMMAND}`, {results['datetime'][:10]}, commit {results['commit_info']['id'][:10]}"
    yield ""


def clustering(results: dict[str, Any]) -> Iterator[str]:
    runs = of_group(results, "clustering")
    yield "## Clustering: float32 vectors to labels\n"
    yield "64-D unit vectors, threshold 0.82 (`bench/data.py`). Median seconds; peak memory of a fresh process; beside"
    yield "the time of one float32 matrix product as large as all distances, at the rate of NumPy's `sgemm`.\n"
    rows = []
    for run in sorted(runs, key=lambda r: (r["extra_info"]["n"], median(r))):
        n = run["extra_info"]["n"]
        ours = next(r for r in runs if r["extra_info"]["n"] == n and r["params"]["implementation"] == "bcl_fast")
        peak, our_peak = run["extra_info"]["peak_bytes"], ours["extra_info"]["peak_bytes"]
        same = "yes" if run["extra_info"]["same_labels"] else "no"
        rows.append(
            [
                f"{n:,}",
                run["params"]["implementation"],
                f"{median(run):.3f}",
                f"{median(run) / median(ours):.1f}x",
                f"{peak / 1e6:,.0f}",
                f"{peak / our_peak:.1f}x",
                same,
                f"{median(run) / run['extra_info']['gemm_seconds']:.1f}x",
            ]
        )
    header = [
        "n",
        "implementation",
        "seconds",
        "time / ours",
        "peak MB",
        "memory / ours",
        "same labels",
        "time / sgemm",
    ]
    yield from table(header, rows)


def ball_loss(results: dict[str, Any]) -> Iterator[str]:
    runs = of_group(results, "ball loss, forward + backward")
    yield "## Ball loss, forward + backward, float32\n"
    yield "The rate is that of the 2 n k d operations of the distances alone, at the median.\n"
    rows = []
    for run in sorted(runs, key=lambda r: (r["extra_info"]["flops"], median(r))):
        extra = run["extra_info"]
        ours = next(
            r
            for r in runs
            if r["extra_info"]["flops"] == extra["flops"] and r["params"]["implementation"] == "bcl_fast"
        )
        size = f"{extra['n']:,} x {extra['d']}, {extra['k']:,} classes"
        rate = f"{extra['flops'] / median(run) / 1e9:.0f} Gflop/s"
        rows.append(
            [
                size,
                run["params"]["implementation"],
                f"{median(run) * 1e3:.2f}",
                f"{median(run) / median(ours):.1f}x",
                f"{best(run) * 1e3:.2f}",
                f"{best(run) / best(ours):.1f}x",
                rate,
            ]
        )
    header = ["batch", "implementation", "median ms", "time / ours", "best ms", "best / our best", "rate"]
    yield from table(header, rows)


def training(results: dict[str, Any]) -> Iterator[str]:
    yield "## One training epoch: 61,774 tracks, 256-D, batches of 2,000\n"
    rows = [
        [f"{run['extra_info']['epoch_seconds']:.2f}", f"{run['extra_info']['data_share']:.1%}"]
        for run in of_group(results, "training epoch")
    ]
    yield from table(["seconds", "of which data handling"], rows)


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text())
    lines = ["# Measured\n", *machine(results), *clustering(results), *ball_loss(results), *training(results)]
    Path(__file__).with_name("RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
