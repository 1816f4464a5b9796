"""Training checkpoints: everything that a killed run needs to end with the same bits as an uninterrupted one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from bcl_fast._utils.checksum import checksum
from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.training._comparison import Comparison
from bcl_fast.training._history import EpochRecord
from bcl_fast.training._recipe import Recipe
from bcl_fast.training._state import TrainingState

CHECKPOINT_FORMAT = "bcl_fast training 2"
_WITHOUT_CHECKSUM = "bcl_fast training 1"  # written before there was one


def save_checkpoint(
    path: PathLike, state: TrainingState, recipe: Recipe, data: dict[str, Any], comparison: Comparison | None
) -> None:
    """Write ``state`` atomically: a kill at any moment leaves this checkpoint or the one before it."""
    content = {
        "format": CHECKPOINT_FORMAT,
        "recipe": json.dumps(recipe.as_dict()),
        "data": json.dumps(data),
        "head": state.head.state_dict(),
        "loss": state.loss.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "rng": json.dumps(state.rng.bit_generator.state),
        "history": json.dumps([asdict(record) for record in state.history]),
        "best_weights": state.best_weights,
        "best_squared_radius": state.best_squared_radius,
        "best_threshold": state.best_threshold,
        "best_epoch": state.best_epoch,
        "comparison": json.dumps(None if comparison is None else comparison.as_dict()),
    }
    content["checksum"] = checksum(content)
    written = BytesIO()  # torch tells of a full disk in words of its own
    torch.save(content, written)
    with atomic_output(path, force=True) as temporary:
        temporary.write_bytes(written.getbuffer())


def restore_checkpoint(
    path: PathLike, content: dict[str, Any], state: TrainingState, recipe: Recipe, data: dict[str, Any]
) -> None:
    """Take ``content``, as `read_checkpoint` returned it, into ``state``.

    Raises
    ------
    InputError
        If the content is damaged, or was made with another recipe or other data; only ``epochs`` may differ, so long
        as it is not below the epochs done.
    """
    try:
        _restore(path, content, state, recipe, data)
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError) as error:
        raise InputError(f"the checkpoint {os.fspath(path)} has damaged content: {one_line(error)}") from error


def _restore(
    path: PathLike, content: dict[str, Any], state: TrainingState, recipe: Recipe, data: dict[str, Any]
) -> None:
    then, now = json.loads(content["recipe"]), recipe.as_dict()
    done = len(json.loads(content["history"]))
    if recipe.stops_at != "cross-fit" and recipe.epochs is not None and recipe.epochs >= done:
        then["epochs"] = recipe.epochs
    _check_same(path, "recipe", then, now)
    _check_same(path, "set of tracks", json.loads(content["data"]), data)
    state.head.load_state_dict(content["head"])
    state.loss.load_state_dict(content["loss"])
    state.optimizer.load_state_dict(content["optimizer"])
    state.rng.bit_generator.state = json.loads(content["rng"])
    state.history = [EpochRecord(**record) for record in json.loads(content["history"])]
    state.best_weights = content["best_weights"]
    state.best_squared_radius = content["best_squared_radius"]
    state.best_threshold = content["best_threshold"]
    state.best_epoch = content["best_epoch"]


def comparison_of(content: dict[str, Any]) -> Comparison | None:
    """Return what was compared before the training of a checkpoint began."""
    values = json.loads(content.get("comparison", "null"))
    return None if values is None else Comparison.from_dict(values)


def read_checkpoint(path: PathLike) -> dict[str, Any]:
    """Return what a checkpoint holds.

    Raises
    ------
    InputError
        If the file is damaged or of another kind.
    """
    path = Path(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can fail anywhere inside the unpickler
        raise InputError(f"the checkpoint {path} is damaged or was not written by bcl_fast") from error
    form = content.get("format") if isinstance(content, dict) else None
    if form not in (CHECKPOINT_FORMAT, _WITHOUT_CHECKSUM):
        raise InputError(f"{path} is not a checkpoint of the format {CHECKPOINT_FORMAT!r}")
    found = content.pop("checksum", None)
    if (found is not None or form == CHECKPOINT_FORMAT) and found != checksum(content):
        raise InputError(f"the checkpoint {path} is damaged: it does not match its checksum")
    return content


def _check_same(path: PathLike, what: str, then: dict[str, Any], now: dict[str, Any]) -> None:
    for name in dict.fromkeys([*then, *now]):
        if then.get(name) != now.get(name):
            difference = f"{name} was {then.get(name)}, now it is {now.get(name)}"
            raise InputError(f"the checkpoint {os.fspath(path)} was made with another {what}: {difference}")
