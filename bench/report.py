"""Turn the JSON of pytest-benchmark into bench/RESULTS.md and docs/_static/scaling.png.

``python -m bench.report build/bench.json``
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.gpu import report as gpu_report
from bench.tables import table

COMMAND = "make bench"


def of_group(results: dict[str, Any], group: str) -> list[dict[str, Any]]:
    return [b for b in results["benchmarks"] if b["group"] == group]


def median(benchmark: dict[str, Any]) -> float:
    return benchmark["extra_info"].get("seconds", benchmark["stats"]["median"])


def best(benchmark: dict[str, Any]) -> float:
    return benchmark["stats"]["min"]


def machine(results: dict[str, Any]) -> Iterator[str]:
    info, core = results["machine_info"], results["machine_info"]["bcl_fast"]
    cpu = info["cpu"]["brand_raw"]
    yield f"- {cpu}, {core['threads']} threads, {core['simd_path']}; {info['system']} {info['machine']}"
    yield f"- Python {core['python']}; " + ", ".join(f"{name} {number}" for name, number in core["versions"].items())
    yield f"- `{COMMAND}`, {results['datetime'][:10]}, commit {results['commit_info']['id'][:10]}"
    yield ""


def same_job(runs: list[dict[str, Any]], run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for other in runs:
        if all(other["extra_info"][key] == run["extra_info"][key] for key in ("n", "n_features", "linkage")):
            yield other


def clustering(results: dict[str, Any]) -> Iterator[str]:
    runs = of_group(results, "clustering")
    yield "## Clustering: float32 vectors to labels\n"
    yield "Unit vectors; complete linkage to 0.82, average linkage to 0.615 (`bench/data.py`). Median seconds;"
    yield "peak memory of a fresh process; beside the time of one float32 matrix product as large as all distances, at"
    yield "the rate of NumPy's `sgemm`.\n"
    rows = []

    def order(run: dict[str, Any]) -> tuple[Any, ...]:
        extra = run["extra_info"]
        return extra["linkage"] != "complete", extra["n_features"], extra["n"], median(run)

    for run in sorted(runs, key=order):
        ours = next(r for r in same_job(runs, run) if r["extra_info"]["implementation"] == "bcl_fast")
        peak, our_peak = run["extra_info"]["peak_bytes"], ours["extra_info"]["peak_bytes"]
        rows.append(
            [
                run["extra_info"]["linkage"],
                f"{run['extra_info']['n']:,} x {run['extra_info']['n_features']}",
                run["extra_info"]["implementation"],
                f"{median(run):.3f}",
                f"{median(run) / median(ours):.1f}x",
                f"{peak / 1e6:,.0f}",
                f"{peak / our_peak:.1f}x",
                run["extra_info"]["same_labels"],
                f"{median(run) / run['extra_info']['gemm_seconds']:.1f}x",
            ]
        )
    header = [
        "linkage",
        "points",
        "implementation",
        "seconds",
        "time / ours",
        "peak MB",
        "memory / ours",
        "same labels",
        "time / sgemm",
    ]
    yield from table(header, rows)


def ties(results: dict[str, Any]) -> Iterator[str]:
    runs = of_group(results, "ties")
    yield "## Clustering where very many pairs tie\n"
    yield "Points of `bench/cluster/bench_ties.py`; median seconds. Several ways to break ties are right.\n"
    jobs = list(dict.fromkeys((run["params"]["case"], run["params"]["linkage"]) for run in runs))
    rows = []
    for case, linkage in jobs:
        of_job = [run for run in runs if (run["params"]["case"], run["params"]["linkage"]) == (case, linkage)]
        ours = next(run for run in of_job if run["params"]["implementation"] == "bcl_fast")
        for run in sorted(of_job, key=median):
            clusters, ratio = f"{run['extra_info']['n_clusters']:,}", f"{median(run) / median(ours):.1f}x"
            rows.append([linkage, case, run["params"]["implementation"], f"{median(run):.3f}", ratio, clusters])
    yield from table(["linkage", "points", "implementation", "seconds", "time / ours", "clusters"], rows)


def radius_graph(results: dict[str, Any]) -> Iterator[str]:
    runs = of_group(results, "radius graph")
    yield "## Radius graph: all pairs within a squared distance\n"
    yield "64-D unit vectors. The screen asks all pairs about a few principal directions in 8-bit integers, or leaves"
    yield "them to float32 tiles, as it decides from a sample; the second line of each case has float32 tiles forced.\n"
    cases = list(dict.fromkeys(run["params"]["case"] for run in runs))
    rows = []
    for run in sorted(runs, key=lambda r: cases.index(r["params"]["case"])):
        extra, case = run["extra_info"], run["params"]["case"]
        ours = next(r for r in runs if r["params"] == {"implementation": "bcl_fast", "case": case})
        is_ours = run["params"]["implementation"].startswith("bcl_fast")
        decided = str(extra["directions"] or "float32 tiles") if is_ours else ""
        rows.append(
            [
                f"{case}: {extra['n']:,}, {extra['threshold']}",
                f"{extra['pairs']:,}",
                run["params"]["implementation"],
                f"{median(run):.3f}",
                f"{median(run) / median(ours):.1f}x",
                decided,
                f"{median(run) / extra['gemm_seconds']:.1f}x",
            ]
        )
    header = ["points, threshold", "pairs", "implementation", "seconds", "time / ours", "directions", "time / sgemm"]
    yield from table(header, rows)


def measured_once(log: Path) -> tuple[int, float, float]:
    """Points, seconds and peak MB of the log of `bench.studies.many_points`."""
    text = log.read_text()
    (points,) = re.findall(r"^([\d,]+) points of", text, re.MULTILINE)
    ((seconds, _, peak_gb),) = re.findall(r"\| \*\*in all\*\* \| \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", text)
    return int(points.replace(",", "")), float(seconds), 1000 * float(peak_gb)


def label_slopes(axes: Any, n: list[int], values: list[float]) -> None:
    """Write the power of n along each part of a line from 100,000 points on."""
    for i in range(1, len(n)):
        if n[i - 1] < 100_000:
            continue
        power = np.log(values[i] / values[i - 1]) / np.log(n[i] / n[i - 1])
        middle = np.sqrt(n[i] * n[i - 1]), np.sqrt(values[i] * values[i - 1])
        axes.annotate(f"$n^{{{power:.2f}}}$", middle, (6, -12), textcoords="offset points", fontsize=8)


def plot_scaling(results: dict[str, Any], file: Path) -> None:
    """Draw time and memory of the clustering against the number of points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    once = measured_once(Path(__file__).parent / "studies" / "MANY_POINTS.md")
    runs = of_group(results, "clustering")
    runs = [r for r in runs if (r["extra_info"]["linkage"], r["extra_info"]["n_features"]) == ("complete", 64)]
    for name in dict.fromkeys(run["extra_info"]["implementation"] for run in runs):
        own = sorted((r for r in runs if r["extra_info"]["implementation"] == name), key=lambda r: r["extra_info"]["n"])
        n = [run["extra_info"]["n"] for run in own]
        took, peak_mb = [median(run) for run in own], [run["extra_info"]["peak_bytes"] / 1e6 for run in own]
        style = {"marker": "o", "label": name, "linewidth": 2.5 if name == "bcl_fast" else 1.5}
        if name == "bcl_fast":
            for values, more in zip((n, took, peak_mb), once, strict=True):
                values.append(more)
            label_slopes(seconds, n, took)
            label_slopes(memory, n, peak_mb)
        seconds.plot(n, took, **style)
        memory.plot(n, peak_mb, **style)
    floor = sorted({(run["extra_info"]["n"], run["extra_info"]["gemm_seconds"]) for run in runs})
    floor.append((once[0], floor[-1][1] * (once[0] / floor[-1][0]) ** 2))
    seconds.plot(*zip(*floor, strict=True), "k:", label="one sgemm of all distances")
    for axes, what in ((seconds, "seconds"), (memory, "peak memory, MB")):
        axes.set(xscale="log", yscale="log", xlabel="64-D vectors", ylabel=what)
        axes.grid(alpha=0.3)
    seconds.legend(frameon=False, fontsize=8)
    figure.savefig(file, dpi=120)


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
    parts = (machine, clustering, ties, radius_graph, ball_loss, training)
    lines = ["# Measured\n", *(line for part in parts for line in part(results)), *gpu_report.sections()]
    print(*lines, sep="\n")
    Path(__file__).with_name("RESULTS.md").write_text("\n".join(lines))
    plot_scaling(results, Path(__file__).parents[1] / "docs" / "_static" / "scaling.png")


if __name__ == "__main__":
    main()
