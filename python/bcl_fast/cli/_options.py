"""Options that commands share, and the training recipe as options."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from bcl_fast.errors import InputError
from bcl_fast.training import Recipe
from bcl_fast.training._recipe import LOSSES

Tracks = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRACKS",
        help="Files (.parquet, .npz, .npy), folders with features/<video>/<track>.npy, or '-' (Parquet on stdin).",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same result.", min=0)]
Device = Annotated[str, typer.Option(metavar="[cpu|cuda|cuda:N]", help="Where to compute; cuda is an NVIDIA GPU.")]
SavedModel = Annotated[
    Path,
    typer.Option("--model", "-m", help="A trained model: .safetensors or .pth.tar.", show_default=False),
]

DUPLICATE_IOU = 0.7  # that of `bcl_fast.tracks._pairs`, which takes long to import
Constraints = Annotated[
    list[str] | None,
    typer.Option(
        "--constraints",
        metavar="[auto|FILE|none]",
        help="Which tracks are two people, or one: auto (the default) by frames, for tracks on screen together; a CSV "
        "file of track_a,track_b,must or cannot (columns video_a,video_b if needed); none. Repeat it for auto and "
        "files together.",
        show_default=False,
    ),
]
MinOverlap = Annotated[int, typer.Option(min=1, help="Frames that two tracks must share to be on screen together.")]
DuplicateIoU = Annotated[
    float,
    typer.Option(
        "--duplicate-iou",
        min=0,
        max=1,
        help="Tracks whose boxes overlap by more than this (intersection over union) are one face found twice.",
    ),
]
ThresholdScale = Annotated[
    float | None,
    typer.Option(
        help="Cut at this multiple of 4 b; below 1 splits rather than merges. By default the model's own, which is 1 "
        "until bcl-fast calibrate stores another.",
        show_default=False,
    ),
]

RECIPE_HELP = {
    "loss": "The ball loss, or one that the paper compares it with.",
    "threshold": "Where clusters are cut: at 4 b (radius; default for the ball loss), or where the validation tracks "
    "fall into the true number of clusters (validation; default for the other losses).",
    "normalize": "Scale embeddings to unit norm; by default all losses but prototypical and crossentropy do.",
    "faces": "What a track shows in a batch: one random face, or the mean of a random half of its faces.",
    "head": "Network on top of the features. mlp is the paper's; residual and linear start as the identity, for few "
    "identities; auto chooses by their number, with numbers that suit it, and says so.",
    "dimensions": "Widths of the head, first to last, such as 256-128-64; by default those of the head.",
    "epochs": "Passes over the training tracks.",
    "batch_size": "Tracks per batch.",
    "learning_rate": "Of stochastic gradient descent.",
    "momentum": "Of stochastic gradient descent.",
    "weight_decay": "On the weights of the head.",
    "lr_decay": "Factor on the learning rate every so many epochs (the next option).",
    "lr_decay_epochs": "Epochs from one decay of the learning rate to the next.",
    "radius_freeze_epochs": "First epochs in which the radius stays as it is.",
    "radius_learning_rate_factor": "The radius learns at this multiple of the learning rate.",
    "init_raw": "Start of the raw radius; the squared radius b is its softplus.",
    "margin": "Gap between balls: other people must be 9 b + margin away.",
    "alpha": "Weight of drawing a person's tracks into one ball.",
    "space": "Where centroids lie: on the sphere, or at the plain mean.",
    "input_scale": "Factor on the features; by default the inverse of their mean norm.",
    "validation_interval": "Epochs from one validation to the next.",
    "seed": "Of the starting weights, the batches and the faces drawn.",
}
CHOICES = {
    "loss": f"[{'|'.join(LOSSES)}]",
    "threshold": "[radius|validation]",
    "faces": "[one|half]",
    "head": "[mlp|residual|linear|auto]",
    "space": "[sphere|euclidean]",
    "dimensions": "N-N-...",
}


def recipe_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command every field of the recipe as an option; it receives them as one argument ``recipe``."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "recipe"]
    parameters = own + _recipe_parameters()

    @functools.wraps(command)
    def with_recipe(**values: Any) -> None:
        chosen = {field.name: values.pop(field.name) for field in fields(Recipe)}
        chosen["dimensions"] = _parse_dimensions(chosen["dimensions"])
        command(**values, recipe=Recipe(**chosen))

    with_recipe.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_recipe.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_recipe


def _recipe_parameters() -> list[Parameter]:
    types = {**get_type_hints(Recipe), "dimensions": str | None}
    defaults = Recipe()
    parameters = []
    for name in (field.name for field in fields(Recipe)):
        option = typer.Option(help=RECIPE_HELP[name], metavar=CHOICES.get(name))
        annotation = Annotated[types[name], option]  # type: ignore[valid-type]
        parameters.append(
            Parameter(name, Parameter.KEYWORD_ONLY, default=getattr(defaults, name), annotation=annotation)
        )
    return parameters


def _parse_dimensions(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(width) for width in text.replace(",", "-").split("-"))
    except ValueError:
        raise InputError(f"dimensions must be whole numbers such as 256-128-64, got {text!r}") from None
