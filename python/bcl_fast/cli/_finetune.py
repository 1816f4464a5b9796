"""The commands that take a trained model and give another: ``calibrate`` and ``finetune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.files import check_folder
from bcl_fast._utils.safetensors import check_safetensors_output
from bcl_fast._utils.separate import check_separate
from bcl_fast.cli._calibrate import Model
from bcl_fast.cli._console import say
from bcl_fast.cli._inputs import edits_of, files_of_pairs, pairs_of
from bcl_fast.cli._options import Constraints, DuplicateIoU, Force, MinOverlap, Seed, Tracks
from bcl_fast.errors import InputError
from bcl_fast.finetuning import FinetuningRecipe
from bcl_fast.tracks import DUPLICATE_IOU

if TYPE_CHECKING:
    from bcl_fast.finetuning import FinetuningRecord, FinetuningResult

RECIPE = FinetuningRecipe()


def finetune(
    model: Model,
    tracks: Tracks,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The adapted model, .safetensors; with --per-video a folder, which gets <video>.safetensors each.",
            show_default=False,
        ),
    ],
    per_video: Annotated[
        bool, typer.Option("--per-video/--joint", help="A model for each video, or one for all of them.")
    ] = False,
    learn_radius: Annotated[bool, typer.Option("--learn-radius", help="Let the radius b change too.")] = False,
    rounds: Annotated[
        int, typer.Option(help="At most so many rounds of so many batches (the next option).")
    ] = RECIPE.rounds,
    steps_per_round: Annotated[
        int, typer.Option(help="Batches from one look at the held-out pairs to the next.")
    ] = RECIPE.steps_per_round,
    learning_rate: Annotated[float, typer.Option(help="Of stochastic gradient descent.")] = RECIPE.learning_rate,
    proximal: Annotated[
        float, typer.Option(help="Weight of staying near the model's weights, against forgetting.")
    ] = RECIPE.proximal,
    radius_scale: Annotated[
        float | None,
        typer.Option(
            help="Faces of a track are drawn into a ball of this multiple of b; by default 0.5 for a model of complete "
            "linkage, 1 for one of average linkage."
        ),
    ] = RECIPE.radius_scale,
    seed: Seed = RECIPE.seed,
    constraints: Constraints = None,
    min_overlap: MinOverlap = 1,
    duplicate_iou: DuplicateIoU = DUPLICATE_IOU,
    force: Force = False,
) -> None:
    """Adapt a model to new videos without labels.

    Faces of one track are one person, and tracks on screen together are two (see --constraints): that is all it learns
    from. A fifth of the tracks is held out, and the round kept in which their faces are best within the threshold and
    their pairs beyond it; where pairs are not surely farther beyond it than by the model, it stays as it is.
    """
    recipe = FinetuningRecipe(
        rounds=rounds,
        steps_per_round=steps_per_round,
        learning_rate=learning_rate,
        proximal=proximal,
        radius_scale=radius_scale,
        learn_radius=learn_radius,
        seed=seed,
    )
    inputs = [model, *tracks, *files_of_pairs(constraints)]
    if per_video:
        if output.exists() and not output.is_dir():
            raise InputError(f"--per-video writes a model for each video to a folder, got the file {output}")
        check_folder(output, force=force)
    else:
        check_separate([output], inputs)
        check_safetensors_output(output, "model", force=force)
    from bcl_fast.finetuning import finetune as adapt
    from bcl_fast.models import load_model
    from bcl_fast.tracks import read_tracks

    loaded, videos, edits = load_model(model), read_tracks(tracks), edits_of(constraints)
    if edits is not None:
        videos = videos.select(~edits.are_no_faces(videos))
    from bcl_fast.tracks import TrackPairs

    pairs = pairs_of(videos, constraints, min_overlap, duplicate_iou) or TrackPairs()
    if not per_video:
        result = adapt(loaded, videos, pairs=pairs, recipe=recipe, on_round=lambda record: say(_describe(record)))
        result.model.save(output, force=force)
        say(_describe_best(result, output))
        return
    files = {video: output / f"{video}.safetensors" for video in videos.videos}
    for video in files:
        if Path(video).name != video or "\0" in video:
            raise InputError(f"--per-video names a file after each video, got the video {video!r}")
    check_separate(files.values(), inputs)
    check_folder(output, [file.name for file in files.values()], force=force)
    results = [
        (video, adapt(loaded, videos.select(part), pairs=pairs.among(part, videos.n_tracks), recipe=recipe))
        for video, part in videos.tracks_of_videos().items()
    ]
    output.mkdir(exist_ok=True)
    for video, result in results:
        result.model.save(files[video], force=force)
        say(f"{video}: {_describe_best(result, files[video])}")


def _describe(record: FinetuningRecord) -> str:
    """One round in one line."""
    violated = f"two people too near {record.violated_cannot:.1%}, faces outside their ball {record.violated_must:.1%}"
    loss = "as it came    " if record.loss is None else f"loss {record.loss:9.4f}"
    return (
        f"round {record.round:>2}  {loss}  b {record.squared_radius:.4f}  {violated}{'  best' if record.best else ''}"
    )


def _describe_best(result: FinetuningResult, output: Path) -> str:
    before, best = result.history[0], result.history[result.best_round]
    if result.best_round == 0:
        return f"no round was surely better than the model, which stays as it was -> {output}"
    shares = f"{before.violated_cannot:.1%} -> {best.violated_cannot:.1%}"
    return f"round {best.round} kept: pairs of two people within the threshold {shares} -> {output}"
