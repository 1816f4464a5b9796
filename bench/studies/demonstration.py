"""Does the demonstration depend on the seed, or on the machine it runs on?

``python -m bench.studies.demonstration`` writes bench/studies/DEMONSTRATION.md: what ``bcl-fast demo`` trains and
clusters, on five seeds, each with the instructions of an AVX2 and of an AVX-512 machine, in all libraries that can be
told. They round in another order, so weights differ from the first step on. ``--seeds 0`` is a quick look.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

import numpy as np

INSTRUCTIONS = {  # the core; torch, its oneDNN and MKL; NumPy's OpenBLAS
    "AVX2": {
        "BCL_SIMD": "avx2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
    },
    "AVX-512": {
        "BCL_SIMD": "avx512",
        "ATEN_CPU_CAPABILITY": "avx512",
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "MKL_ENABLE_INSTRUCTIONS": "AVX512",
        "OPENBLAS_CORETYPE": "SkylakeX",
    },
}


class Row(TypedDict):
    nmi: float
    b_cubed_f: float
    n_clusters: int
    n_people: int
    chosen: str


def demonstrate(seed: int) -> Row:
    """Train and cluster as the demonstration does, in this process."""
    from bcl_fast.cli._demo import DEMO_SCALE
    from bcl_fast.evaluation import evaluate
    from bcl_fast.simulate import simulate_splits
    from bcl_fast.training import train

    splits = simulate_splits(DEMO_SCALE, seed)
    result = train(splits.train, splits.val)
    model = result.model
    embeddings = model.embed_tracks(splits.test)
    row = evaluate(splits.test, embeddings, distance_threshold=model.distance_threshold, **model.clustering_options)[-1]
    assert result.comparison is not None
    chosen = result.comparison.chosen
    how = f"{chosen.head}, {chosen.epochs} epochs, {chosen.linkage}, cut at {chosen.distance_threshold:.3f}"
    return Row(nmi=row.nmi, b_cubed_f=row.b_cubed_f, n_clusters=row.n_clusters, n_people=row.n_identities, chosen=how)


def in_a_process(seed: int, instructions: str) -> Row:
    """Demonstrate with other instructions, which a process chooses when it starts."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.studies.demonstration", "--one", str(seed)]
    environment = {**os.environ, **INSTRUCTIONS[instructions]}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def page(rows: dict[tuple[int, str], Row]) -> str:
    nmi = np.array([row["nmi"] for row in rows.values()])
    errors = np.array([abs(row["n_clusters"] / row["n_people"] - 1) for row in rows.values()])
    lines = [
        "# The demonstration",
        "",
        "`python -m bench.studies.demonstration`: `bcl-fast demo` by seed and instruction set.",
        "",
        f"NMI {nmi.min():.4f} to {nmi.max():.4f}; the number of clusters is off by at most {errors.max():.0%}.",
        "",
        "| seed | instructions | NMI | B-cubed F | clusters | people | chosen |",
        "|---" * 7 + "|",
    ]
    for (seed, instructions), row in rows.items():
        scores = f"{row['nmi']:.4f} | {row['b_cubed_f']:.4f} | {row['n_clusters']} | {row['n_people']}"
        lines.append(f"| {seed} | {instructions} | {scores} | {row['chosen']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="*", type=int, default=list(range(5)))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(demonstrate(options.one)))
        return
    rows = {}
    for seed in options.seeds:
        for instructions in INSTRUCTIONS:
            rows[seed, instructions] = in_a_process(seed, instructions)
            print(seed, instructions, rows[seed, instructions], flush=True)
    Path(__file__).with_name("DEMONSTRATION.md").write_text(page(rows))


if __name__ == "__main__":
    main()
