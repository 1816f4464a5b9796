"""The commands in one list. Modules that take long to import are imported inside the commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from bcl_fast.cli._apply import apply
from bcl_fast.cli._calibrate import calibrate
from bcl_fast.cli._cluster import cluster
from bcl_fast.cli._demo import demo
from bcl_fast.cli._doctor import doctor
from bcl_fast.cli._evaluate import evaluate
from bcl_fast.cli._extract import extract
from bcl_fast.cli._finetune import finetune
from bcl_fast.cli._guard import Debug, GuardedCommands, with_debug
from bcl_fast.cli._info import info
from bcl_fast.cli._interchange import export, import_
from bcl_fast.cli._merge import merge
from bcl_fast.cli._people import people
from bcl_fast.cli._report import report, review
from bcl_fast.cli._reproduce import reproduce
from bcl_fast.cli._simulate import simulate
from bcl_fast.cli._streams import prepare_streams
from bcl_fast.cli._suggest import suggest
from bcl_fast.cli._train import train

# In the order of the help, with examples that it shows.
COMMANDS: dict[Callable[..., None], list[str]] = {
    people: ["bcl-fast people film.mp4 -o people", "bcl-fast people holiday_pictures -o people"],
    extract: [
        "bcl-fast extract film.mp4 -o tracks.parquet",
        "bcl-fast extract season1/*.mkv -o season1.parquet --stride 3 --from 60",
    ],
    train: ["bcl-fast train train.parquet --val val.parquet -o model.safetensors"],
    cluster: [
        "bcl-fast cluster tracks.parquet --model model.safetensors -o clusters.csv",
        "bcl-fast cluster embeddings.npy --threshold 0.8 -o - | sort -t, -k3,3n",
        "bcl-fast cluster new.parquet --model model.safetensors --update clusters.parquet -o clusters2.parquet",
    ],
    suggest: ["bcl-fast suggest clusters.parquet --tracks tracks.parquet --limit 20"],
    merge: [
        "bcl-fast merge clusters.parquet --names names.csv -o people.parquet",
        "bcl-fast merge clusters.csv --clusters 3,7 --clusters 4,12,15 -o people.csv",
    ],
    report: ["bcl-fast report clusters.parquet --tracks tracks.parquet -o page.html"],
    review: ["bcl-fast review clusters.parquet --tracks tracks.parquet --fps 25"],
    apply: ["bcl-fast apply clusters.parquet edits.json -o people.parquet"],
    export: ["bcl-fast export people.parquet --to coco --tracks tracks.parquet -o people.json"],
    import_: ["bcl-fast import people.parquet corrected.json --from coco -o edits.json"],
    calibrate: ["bcl-fast calibrate model.safetensors --val val.parquet --precision 0.99"],
    finetune: ["bcl-fast finetune model.safetensors episodes.parquet -o adapted.safetensors"],
    evaluate: [
        "bcl-fast evaluate test.parquet --model model.safetensors --raw",
        "bcl-fast evaluate test.parquet --clusters labels_of_another_tool.csv",
    ],
    simulate: ["bcl-fast simulate -o simulated --scale 0.05"],
    demo: ["bcl-fast demo", "bcl-fast demo -o /tmp/demo --seed 1"],
    reproduce: ["bcl-fast reproduce table5 --repeats 3", "bcl-fast reproduce all -o reproduction --scale 0.05"],
    info: ["bcl-fast info"],
    doctor: ["bcl-fast doctor"],
}


def _examples(lines: list[str]) -> str:
    """Epilogue of a command's help; after a line with a backspace character, lines stay as they are."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    cls=GuardedCommands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in plain text takes half the time
)
for _command, _lines in COMMANDS.items():
    app.command(_command.__name__.rstrip("_"), epilog=_examples(_lines))(with_debug(_command))


def main() -> None:
    """Run the command line, the console script ``bcl-fast``."""
    prepare_streams()
    app(prog_name="bcl-fast")


def _print_version(wanted: bool) -> None:
    if wanted:
        from bcl_fast import __version__

        typer.echo(f"bcl-fast {__version__}")
        raise typer.Exit


@app.callback(epilog=_examples(["bcl-fast demo", "bcl-fast cluster --help"]))
def bcl_fast(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Cluster face tracks, or any embeddings, when nobody knows how many people there are."""
