"""Files with a checksum: damaged, they are refused, or hold what they held."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast import BallClustering
from bcl_fast._utils.checksum import checksum
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.models._heads import make_head
from bcl_fast.results import read_result
from bcl_fast.tracks import TrackSet, read_tracks
from bcl_fast.training import Recipe, train

RECIPE = Recipe.paper(head="linear", epochs=1, batch_size=8)


def write_our_files(folder: Path, tracks: TrackSet, points: np.ndarray) -> None:
    """Write a model, a fitted estimator and a checkpoint of a training that is done; results are written elsewhere."""
    recipe: dict[str, Any] = {"epochs": 3, "notes": "é"}
    EmbeddingModel(make_head("residual", 6), "residual", 0.5, 0.2, recipe).save(folder / "model.safetensors")
    BallClustering(1.0).fit(points, cannot_link=[(0, 1)]).save(folder / "clustering.safetensors")
    train(tracks.labelled(), recipe=RECIPE, checkpoint=folder / "checkpoint.pt")


def _clustering(path: Path, seeds: Path) -> Any:
    return vars(BallClustering.load(path))


def _model(path: Path, seeds: Path) -> Any:
    return _values(load_model(path))


def _values(model: EmbeddingModel) -> Any:
    return {**vars(model), "head": dict(model.head.state_dict())}


def _checkpoint(path: Path, seeds: Path) -> Any:
    tracks = read_tracks(seeds / "tracks.parquet").labelled()
    result = train(tracks, recipe=RECIPE, checkpoint=path, resume=True)
    return [_values(result.model), [record.as_json() for record in result.history], result.best_epoch]


def _result(path: Path, seeds: Path) -> Any:
    return vars(read_result(path))


READERS: dict[str, Callable[[Path, Path], Any]] = {
    "model.safetensors": _model,
    "clustering.safetensors": _clustering,
    "checkpoint.pt": _checkpoint,
    "result.parquet": _result,
}


def content_of(path: Path, seeds: Path) -> str:
    """Read one of our files, known by its name, and return the checksum of what the reader made of it."""
    return checksum(READERS[path.name](path, seeds))
