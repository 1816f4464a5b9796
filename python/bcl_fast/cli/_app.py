"""The command line: parse, call, print.

Exit codes: 0, 1 for input that cannot be used (one line on standard error), 2 for wrong usage, 130 for Ctrl-C. Modules
that take long to import are imported inside the commands.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bcl_fast.cli._cluster import cluster, embed, pairs_of
from bcl_fast.cli._console import describe_threshold, say
from bcl_fast.cli._finetune import calibrate, check_model_output, finetune
from bcl_fast.cli._options import (
    DUPLICATE_IOU,
    Constraints,
    Device,
    DuplicateIoU,
    Force,
    MinOverlap,
    SavedModel,
    Seed,
    ThresholdScale,
    Tracks,
    recipe_options,
)
from bcl_fast.cli._reproduce import reproduce
from bcl_fast.errors import InputError
from bcl_fast.training._recipe import Recipe


class _Commands(TyperGroup):
    """Commands whose bad input is a sentence and an exit code, not a traceback."""

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: say(f"warning: {message}")
            try:
                return super().invoke(ctx)
            except BrokenPipeError:
                raise
            except (InputError, OSError) as error:
                say(f"error: {' '.join(str(error).split())}")
                raise typer.Exit(1) from None
            except KeyboardInterrupt:
                say("interrupted")
                raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in plain text takes half the time
)


def main() -> None:
    """Run the command line, the console script ``bcl-fast``."""
    app(prog_name="bcl-fast")


def _example(*lines: str) -> str:
    """Epilogue of a command's help; after a line with a backspace character, lines stay as they are."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


def _print_version(wanted: bool) -> None:
    if wanted:
        from bcl_fast import __version__

        typer.echo(f"bcl-fast {__version__}")
        raise typer.Exit


@app.callback(epilog=_example("bcl-fast demo", "bcl-fast cluster --help"))
def bcl_fast(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Cluster face tracks, or any embeddings, when nobody knows how many people there are."""


@app.command(epilog=_example("bcl-fast train train.parquet --val val.parquet -o model.safetensors"))
@recipe_options
def train(
    tracks: Tracks,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model, .safetensors.", show_default=False)],
    recipe: Recipe,
    val: Annotated[
        list[Path] | None,
        typer.Option(help="Labelled tracks of other people, to keep the best epoch by. Repeat it for more files."),
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="File for the whole state after each epoch.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there.")] = False,
    history: Annotated[Path | None, typer.Option(help="File for the scores, a line of JSON per epoch.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard.")] = None,
    device: Device = "cpu",
    force: Force = False,
) -> None:
    """Train a head and the radius of its balls on labelled tracks.

    With another --loss than the ball's, clusters are cut where the validation tracks fall into as many as there are
    people (see --threshold).
    """
    if resume and checkpoint is None:
        raise typer.BadParameter("--resume wants --checkpoint FILE")
    _check_training_outputs(output, checkpoint, history, force=force, resume=resume)
    from bcl_fast._utils.devices import cuda_device
    from bcl_fast.cli._console import training_progress
    from bcl_fast.tracks._io import read_tracks
    from bcl_fast.training._auto_recipe import choose_recipe
    from bcl_fast.training._train import train as fit

    cuda_device(device)  # what cannot be used is better known before the tracks are read
    people, others = read_tracks(tracks), read_tracks(val) if val else None
    recipe, reason = choose_recipe(recipe, people)
    if reason:
        say(reason)
    with training_progress(recipe.epochs) as progress:
        result = fit(
            people,
            others,
            recipe=recipe,
            checkpoint=checkpoint,
            resume=resume,
            history=history,
            tensorboard=tensorboard,
            force=force,
            on_epoch=progress.on_epoch,
            on_batch=progress.on_batch,
            device=device,
        )
    result.model.save(output, force=force)
    say(f"epoch {result.best_epoch} kept: {describe_threshold(result.model)} -> {output}")


def _check_training_outputs(
    output: Path, checkpoint: Path | None, history: Path | None, *, force: bool, resume: bool
) -> None:
    from bcl_fast._utils.files import check_output

    check_model_output(output, force=force)
    for path in (checkpoint, history):
        if path is not None:
            check_output(path, force=force or resume)


app.command(
    epilog=_example(
        "bcl-fast cluster tracks.parquet --model model.safetensors -o clusters.csv",
        "bcl-fast cluster embeddings.npy --threshold 0.8 -o - | sort -t, -k3,3n",
        "bcl-fast cluster new.parquet --model model.safetensors --update clusters.parquet -o clusters2.parquet",
    )
)(cluster)

app.command(epilog=_example("bcl-fast calibrate model.safetensors --val val.parquet --precision 0.99"))(calibrate)

app.command(epilog=_example("bcl-fast finetune model.safetensors episodes.parquet -o adapted.safetensors"))(finetune)


@app.command(epilog=_example("bcl-fast evaluate test.parquet --model model.safetensors --raw"))
def evaluate(
    tracks: Tracks,
    model: SavedModel,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Score the raw features beside it, told the true number of people."),
    ] = False,
    threshold_scale: ThresholdScale = None,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Compare clusters with labels, per video and over all videos.

    NMI is the normalised mutual information, WCP the weighted clustering purity (the share of tracks that are of their
    cluster's main person). 1 is best for both. Violated are pairs of tracks on screen together that would share a
    cluster without the constraints: 0 is best, and it takes no labels to count them.
    """
    if as_json and as_csv:
        raise typer.BadParameter("give --json or --csv, not both")
    from bcl_fast.evaluation._evaluate import evaluate as score
    from bcl_fast.evaluation._evaluate import raw_embeddings
    from bcl_fast.tracks._io import read_tracks

    people = read_tracks(tracks)
    people.label_codes()
    embeddings, threshold, _ = embed(people, model, None, threshold_scale)
    pairs = pairs_of(people, constraints, min_overlap, duplicate_iou)
    rows = score(people, embeddings, distance_threshold=threshold, pairs=pairs)
    raw_rows = score(people, raw_embeddings(people), n_clusters="true") if raw else None
    from bcl_fast.cli._console import print_scores

    print_scores(rows, raw_rows, form="json" if as_json else "csv" if as_csv else "table")


@app.command(epilog=_example("bcl-fast simulate -o simulated --scale 0.05"))
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
    from bcl_fast.cli._demo import simulate_to

    simulate_to(output, scale=scale, seed=seed, split=split, test_shift=shift, force=force)


@app.command(epilog=_example("bcl-fast demo", "bcl-fast demo -o /tmp/demo --seed 1"))
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder; files of an earlier demonstration are replaced.")
    ] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """Simulate films, train on some people, cluster others: a table and a picture in half a minute."""
    from bcl_fast.cli._demo import run_demo

    run_demo(output, seed=seed)


app.command(
    epilog=_example("bcl-fast reproduce table5 --repeats 3", "bcl-fast reproduce all -o reproduction --scale 0.05")
)(reproduce)


@app.command(epilog=_example("bcl-fast info"))
def info() -> None:
    """Print versions, the instruction set in use, threads and CUDA."""
    from bcl_fast.cli._console import describe_installation

    for name, value in describe_installation().items():
        typer.echo(f"{name:<13}{value}")
