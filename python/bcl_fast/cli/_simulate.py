"""The command ``simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bcl_fast.cli._options import Force, Seed


def simulate(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="A folder for train, val and test.parquet, or for one of the three a .parquet or .npz file or '-' "
            "(Parquet on standard output).",
            show_default=False,
        ),
    ],
    scale: Annotated[float, typer.Option(help="Size; 1 is the paper's: 61,774 tracks to train, 9,740 to test.")] = 0.1,
    seed: Seed = 0,
    split: Annotated[
        str, typer.Option(metavar="[train|val|test]", help="Which of the three goes to a file or '-'.")
    ] = "test",
    shift: Annotated[
        float,
        typer.Option(help="Domain shift of test, 0 to 1: how much its pose and light differ from those of train."),
    ] = 0.0,
    force: Force = False,
) -> None:
    """Make labelled tracks of invented people in invented films."""
    from bcl_fast.cli._simulated_files import simulate_to

    simulate_to(output, scale=scale, seed=seed, split=split, test_shift=shift, force=force)
