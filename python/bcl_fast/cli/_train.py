"""The command ``train``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.files import check_folder, check_output
from bcl_fast._utils.locks import is_stream, only_writer
from bcl_fast._utils.safetensors import check_safetensors_output
from bcl_fast._utils.separate import check_separate
from bcl_fast.cli._console import describe_threshold, say
from bcl_fast.cli._options import Device, Force, Tracks
from bcl_fast.cli._processes import Run, run_of_torchrun
from bcl_fast.cli._recipe_options import recipe_options
from bcl_fast.errors import InputError
from bcl_fast.training import Recipe

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet
    from bcl_fast.training import TrainingResult


@recipe_options
def train(
    tracks: Tracks,
    output: Annotated[Path, typer.Option("--output", "-o", help="The model, .safetensors.", show_default=False)],
    val: Annotated[
        list[Path] | None,
        typer.Option(
            help="Labelled tracks of other people: they join those in folds (see --validation), or with --recipe paper "
            "choose the epoch. Repeat it for more files."
        ),
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="File for the whole state after each epoch.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if it is there.")] = False,
    history: Annotated[Path | None, typer.Option(help="File for the scores, a line of JSON per epoch.")] = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard.")] = None,
    device: Device = "cpu",
    force: Force = False,
    *,
    recipe: Recipe,
) -> None:
    """Train a head on labelled tracks, and find out where its clusters are to be cut.

    People are split into folds, each clustered by a head that has not seen them: that chooses the head, the epoch, the
    linkage and the threshold, and the features as they are where training does not surely help. Then all people are
    trained on. See --recipe for the paper's way.

    Under torchrun (torchrun --nproc-per-node 4 -m bcl_fast train ...) several processes, or GPUs, train together.
    """
    if resume and checkpoint is None:
        raise typer.BadParameter("--resume wants --checkpoint FILE")
    with run_of_torchrun(device) as run, ExitStack() as held:
        with run.processes.together():
            outputs = (output, checkpoint, history, tensorboard)
            if run.processes.writes:
                check_separate(outputs, [*tracks, *(val or [])])
                _check_training_outputs(*outputs, force=force, resume=resume)
                held.enter_context(only_writer(output))
            people, others = _read(tracks, val, run)
        from bcl_fast.cli._bars import training_progress
        from bcl_fast.training import train as fit

        progress = held.enter_context(training_progress(is_shown=run.processes.writes))
        result = fit(
            people,
            others,
            recipe=recipe,
            checkpoint=checkpoint,
            resume=resume,
            history=history,
            tensorboard=tensorboard,
            force=force,
            on_fold=progress.on_fold,
            on_start=progress.on_start,
            on_epoch=progress.on_epoch,
            on_batch=progress.on_batch,
            device=run.device,
            process_group=run.group,
        )
        with run.processes.together():
            if run.processes.writes:
                result.model.save(output, force=force)
    if run.processes.writes:
        _say_what_was_kept(result, output)


def _read(tracks: list[Path], val: list[Path] | None, run: Run) -> tuple[TrackSet, TrackSet | None]:
    from bcl_fast._utils.devices import check_device
    from bcl_fast.tracks import read_tracks

    if run.processes.size > 1 and any(is_stream(path) or str(path) == "-" for path in [*tracks, *(val or [])]):
        raise InputError("tracks that several processes read must be files or folders, got standard input or a pipe")
    check_device(run.device)
    return read_tracks(tracks), read_tracks(val) if val else None


def _say_what_was_kept(result: TrainingResult, output: Path) -> None:
    if result.comparison is not None:
        say(result.comparison.describe())
    kept = f"epoch {result.best_epoch} kept: " if result.best_epoch else ""
    say(f"{kept}{describe_threshold(result.model)} -> {output}")


def _check_training_outputs(
    output: Path, checkpoint: Path | None, history: Path | None, tensorboard: Path | None, *, force: bool, resume: bool
) -> None:
    check_safetensors_output(output, "model", force=force)
    for path in (checkpoint, history):
        if path is not None:
            check_output(path, force=force or resume)
    if tensorboard is not None:
        check_folder(tensorboard, force=force, parents=True)
