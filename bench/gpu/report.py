"""Turn bench/results/*.json into the last part of bench/RESULTS.md: ``python -m bench.gpu.report``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.tables import table

FOLDER = Path(__file__).parents[1]
HEADING = "# Measured on GPUs"


def sections() -> Iterator[str]:
    """Lines of all results; none where there are none."""
    files = sorted((FOLDER / "results").glob("*.json"))
    if files:
        yield f"{HEADING}\n"
    for file in files:
        yield from section(json.loads(file.read_text()))


def section(results: dict[str, Any]) -> Iterator[str]:
    rates = results["ceilings"]
    yield f"## {results['device']}\n"
    version = results["cuda_version"]
    yield f"- {results['processors']} processors; Python {results['python']}, torch {results['torch']}, CUDA " + (
        f"{version // 1000}.{version % 1000 // 10}"
    )
    yield f"- `bench/gpu/check.sh`, {results['date']}, commit {results['commit']}"
    copy, float32, tf32 = (rates[f"{name}_per_second"] / 1e12 for name in ("bytes", "float32_flops", "tf32_flops"))
    yield f"- ceilings: copy {copy:.2f} TB/s; products in float32 {float32:.0f} and in TF32 {tf32:.0f} Tflop/s"
    yield "- floor: bytes or operations over these ceilings, the larger; `bench/gpu/measure.py` says what is counted"
    yield from (f"- left out: {line}" for line in results["left_out"])
    yield ""
    header = ["question", "size", "implementation", "ms", "time / ours", "floor ms", "time / floor", "extra MB"]
    yield from table(header, [cells(row, results["rows"]) for row in results["rows"]])


def cells(row: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    same = [other for other in rows if (other["question"], other["size"]) == (row["question"], row["size"])]
    # In a CUDA graph is compared with in a CUDA graph.
    name = "bcl_fast, CUDA graph" if "CUDA graph" in row["implementation"] else "bcl_fast"
    ours = next((other for other in same if other["implementation"] == name), row)
    floor, extra = row["floor_seconds"], row.get("extra_bytes")
    return [
        row["question"],
        row["size"],
        row["implementation"],
        f"{row['seconds'] * 1e3:,.3f}",
        f"{row['seconds'] / ours['seconds']:.1f}x",
        "" if floor is None else f"{floor * 1e3:,.3f}",
        "" if floor is None else f"{row['seconds'] / floor:.1f}x",
        "" if extra is None else f"{extra / 1e6:,.1f}",
    ]


def main() -> None:
    path = FOLDER / "RESULTS.md"
    before = path.read_text().partition(HEADING)[0].rstrip("\n") + "\n"
    path.write_text("\n".join([before, *sections()]))


if __name__ == "__main__":
    main()
