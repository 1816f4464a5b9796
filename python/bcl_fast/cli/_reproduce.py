"""The command ``bcl-fast reproduce``: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bcl_fast._utils.extras import require
from bcl_fast._utils.separate import check_separate
from bcl_fast._utils.text import counted
from bcl_fast.cli._console import say
from bcl_fast.cli._options import Seed
from bcl_fast.errors import InputError
from bcl_fast.paper import LIBRARIES

if TYPE_CHECKING:
    from bcl_fast.paper.run import OnJob
    from bcl_fast.paper.source import Source
    from bcl_fast.training import Recipe

WHAT = "table1, table2, table3, table4, table5, table6, figure4, figure5, figure6, losses-time, or all of them: all."
DEFAULT_SCALE = 0.1

Tracks = Annotated[
    list[Path] | None,
    typer.Option(help="Labelled tracks; repeat it for more files. Without the three, films are simulated."),
]


def reproduce(
    what: Annotated[list[str], typer.Argument(metavar="WHAT...", help=WHAT, show_default=False)],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder. What an earlier run finished in it is not run again."),
    ] = Path("reproduction"),
    train: Tracks = None,
    val: Tracks = None,
    test: Tracks = None,
    scale: Annotated[
        float, typer.Option(help="Size of the simulation; 1 is the paper's: 61,774 tracks to train, 9,740 to test.")
    ] = DEFAULT_SCALE,
    seed: Seed = 0,
    repeats: Annotated[int, typer.Option(min=1, help="Runs with other seeds, for mean and standard deviation.")] = 1,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default as many as there are cores.", show_default=False)
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="[mlp|residual|linear]",
            help="Head, except where its widths are the question (tables 2 and 3). By default residual for simulated "
            "films, as they show few people, and the paper's mlp for your tracks.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="By default 25 simulated, else 128.", show_default=False)] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="By default 1000 simulated (mlp: 250), else 2000.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Of the ball loss. By default 0.1 simulated (mlp: 0.03), else 0.003.", show_default=False),
    ] = None,
    radius_learning_rate_factor: Annotated[
        float | None, typer.Option(help="By default 0.01 simulated, else 0.1.", show_default=False)
    ] = None,
) -> None:
    """Make the paper's tables and figures, on your tracks or on simulated films.

    Each is written as Markdown, CSV, PNG and SVG. All it needs: pip install 'bcl-fast[paper]'.
    """
    require("a reproduction", *LIBRARIES)
    from bcl_fast._utils.threads import available_cores
    from bcl_fast.paper.run import Reproduction
    from bcl_fast.paper.run import reproduce as run

    names = _names(what)
    tracks = [*(train or []), *(val or []), *(test or [])]
    check_separate([output, *(output / f"{name}.csv" for name in names)], tracks)
    source = _source(train, val, test, scale, seed)
    changes: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "radius_learning_rate_factor": radius_learning_rate_factor,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    simulated = source.is_simulated
    recipe, mlp = (
        replace(_default_recipe(simulated, kind), **{**given, "head": kind, "seed": seed})
        for kind in (head or ("residual" if simulated else "mlp"), "mlp")
    )
    with _progress() as on_job:
        files = run(
            Reproduction(output, source, recipe, mlp, repeats), names, n_jobs=jobs or available_cores(), on_job=on_job
        )
    for name in names:
        say(f"{name} -> {output / name}.md, .csv, .png, .svg")
    say(f"{counted(len(files), 'file')} in {output}")


def _default_recipe(simulated: bool, head: str) -> Recipe:
    from bcl_fast.paper.variants import SIMULATION_RECIPES
    from bcl_fast.training import Recipe

    return SIMULATION_RECIPES.get(head, Recipe.paper()) if simulated else Recipe.paper()


def _names(what: list[str]) -> list[str]:
    from bcl_fast.paper.tables import NAMES_OF_OUTPUTS

    for name in what:
        if name not in (*NAMES_OF_OUTPUTS, "all"):
            raise typer.BadParameter(f"WHAT must be one of {', '.join(NAMES_OF_OUTPUTS)} or all, got {name!r}")
    return list(NAMES_OF_OUTPUTS) if "all" in what else list(dict.fromkeys(what))


def _source(
    train: list[Path] | None, val: list[Path] | None, test: list[Path] | None, scale: float, seed: int
) -> Source:
    from bcl_fast.paper.source import Files, Simulation

    if train and val and test:
        return Files(tuple(train), tuple(val), tuple(test))
    if train or val or test:
        missing = [name for name, paths in (("--train", train), ("--val", val), ("--test", test)) if not paths]
        raise InputError(f"tracks of your own want --train, --val and --test, got no {' and no '.join(missing)}")
    return Simulation(scale, seed)


@contextmanager
def _progress() -> Iterator[OnJob]:
    """Show how far it is: one bar on a terminal, a line per finished piece elsewhere."""
    import sys

    if not sys.stderr.isatty():
        yield lambda job, done, total: say(f"[{done}/{total}] {job}")
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda job, done, total: progress.update(task, completed=done, total=total, description=job)
