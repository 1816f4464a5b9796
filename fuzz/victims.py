"""Commands that are stopped in the middle: what they start from, and what they leave when nothing stops them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FILMS = ("train", "val", "test")
_QUICK = ("--recipe", "paper", "--batch-size", "64", "--head", "residual", "--learning-rate", "0.05")
_TRAIN = ("train", "train.parquet", "--val", "val.parquet", "--epochs", "6", *_QUICK)


@dataclass(frozen=True)
class Victim:
    """A command that writes.

    Attributes
    ----------
    arguments : tuple of str
    outputs : tuple of str
        Files that hold the same after every whole run: at each moment they are the old ones or the new ones.
    again : tuple of str
        What goes on, or starts again, after a kill.
    weight : int
        How often it is drawn, beside the others.
    """

    arguments: tuple[str, ...]
    outputs: tuple[str, ...]
    again: tuple[str, ...]
    weight: int = 4


def _rerun(*arguments: str, outputs: Sequence[str], weight: int = 4) -> Victim:
    return Victim(arguments, tuple(outputs), arguments, weight)


_STATE = ("--checkpoint", "state.pt", "--history", "history.jsonl")
_PAPER = ("reproduce", "table5", "-o", "paper", "--scale", "0.005", "--epochs", "1", "--batch-size", "64")

VICTIMS = {
    "train": Victim(
        (*_TRAIN, *_STATE, "-o", "new.safetensors"),
        ("new.safetensors",),
        (*_TRAIN, *_STATE, "-o", "new.safetensors", "--resume", "--force"),
        weight=12,
    ),
    "train over a model": _rerun(*_TRAIN, "-o", "model.safetensors", "--force", outputs=["model.safetensors"]),
    "cluster": _rerun(
        *("cluster", "test.parquet", "--model", "model.safetensors", "-o", "result.parquet", "--force"),
        *("--representatives", "faces.csv"),
        outputs=["result.parquet", "faces.csv"],
    ),
    "update": _rerun(
        *("cluster", "val.parquet", "--model", "model.safetensors", "--update", "result.parquet", "-o", "more.csv"),
        *("--force",),
        outputs=["more.csv"],
    ),
    "merge": _rerun(
        "merge", "result.parquet", "--clusters", "0,1", "-o", "people.csv", "--force", outputs=["people.csv"]
    ),
    "calibrate": _rerun(
        *("calibrate", "model.safetensors", "--val", "val.parquet", "--precision", "0.5"), outputs=["model.safetensors"]
    ),
    "finetune": _rerun(
        *(
            "finetune",
            "model.safetensors",
            "test.parquet",
            "-o",
            "adapted.safetensors",
            "--steps-per-round",
            "5",
            "--force",
        ),
        outputs=["adapted.safetensors"],
    ),
    "finetune --per-video": _rerun(
        *("finetune", "model.safetensors", "test.parquet", "-o", "videos", "--per-video", "--force"),
        *("--steps-per-round", "5"),
        outputs=["videos/test01.safetensors", "videos/test02.safetensors"],
    ),
    "simulate": _rerun(
        *("simulate", "-o", "films", "--scale", "0.002", "--force"), outputs=[f"films/{name}.parquet" for name in FILMS]
    ),
    "reproduce": _rerun(*_PAPER, "--jobs", "1", outputs=["paper/table5.csv"], weight=1),
    "reproduce --jobs 2": _rerun(*_PAPER, "--jobs", "2", outputs=["paper/table5.csv"], weight=2),
}


def prepare(folder: Path, run: Callable[[Sequence[str], Path], str]) -> None:
    """Write what the commands start from: films, a model, a result, and old files where new ones will be."""
    from bcl_fast.simulate import World, simulate_movies
    from bcl_fast.tracks import write_tracks

    world = World(n_features=16, identity_dimensions=6, nuisance_dimensions=3)
    for seed, name in enumerate(FILMS):
        films = simulate_movies(2, 24, people_per_video=5, faces_per_track=2, seed=seed, world=world, prefix=name)
        write_tracks(films, folder / f"{name}.parquet")
    epochs = [argument if argument != "6" else "2" for argument in _TRAIN]
    run([*epochs, "-o", "model.safetensors"], folder)
    run(["cluster", "test.parquet", "--threshold", "1", "-o", "result.parquet"], folder)
    run(["cluster", "test.parquet", "--model", "model.safetensors", "-o", "result.parquet", "--force"], folder)
    for name in ("adapted.safetensors", "more.csv", "people.csv"):
        (folder / name).write_text("old")
