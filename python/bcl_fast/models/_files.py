"""Reading a model, whoever wrote it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import torch

from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.safetensors import read_safetensors
from bcl_fast.errors import InputError
from bcl_fast.models._authors_checkpoint import first_line, load_authors_checkpoint
from bcl_fast.models._heads import make_head
from bcl_fast.models._model import MODEL_FORMAT, EmbeddingModel

_NEWER_METADATA = {
    "normalize": "true",
    "distance_threshold": "null",
    "threshold_scale": "1",
}  # what their absence means


def load_model(path: str | os.PathLike[str]) -> EmbeddingModel:
    """Read a model: ``.safetensors`` as `EmbeddingModel.save` writes it, or a ``.pth.tar`` of the paper's authors.

    Nothing in the file is executed: a checkpoint is read as plain tensors only.

    Raises
    ------
    InputError
        If the file is missing, truncated, of another kind, or holds code or values that are not finite.
    """
    file = check_is_file(path, "model")
    if file.suffix == ".safetensors":
        model = _load_safetensors(file)
    elif file.suffix in (".tar", ".pth", ".pt"):
        model = load_authors_checkpoint(file)
    else:
        raise InputError(f"a model is a .safetensors or .pth.tar file, got {file}")
    finite = all(bool(torch.isfinite(tensor).all()) for tensor in model.head.state_dict().values())
    numbers = (model.squared_radius, model.input_scale, model.threshold_scale)
    positive = [*numbers, *filter(None, [model.stored_threshold])]
    if not finite or not all(0 < value < np.inf for value in positive):
        raise InputError(f"the model {file} holds values that are not finite or a scale or radius that is not positive")
    return model


def _load_safetensors(file: Path) -> EmbeddingModel:
    tensors, metadata = read_safetensors(file, "model", kind=MODEL_FORMAT, framework="pt")
    try:
        dimensions = [int(width) for width in json.loads(metadata["dimensions"])]
        head = make_head(metadata["head"], dimensions[0], dimensions)
        head.load_state_dict(tensors)
        scale, squared_radius = (float(json.loads(metadata[key])) for key in ("input_scale", "squared_radius"))
        # Models of before there were other losses than the ball's lack the last three.
        normalize, threshold, threshold_scale = (json.loads(metadata.get(k, v)) for k, v in _NEWER_METADATA.items())
        recipe = json.loads(metadata["recipe"])
        return EmbeddingModel(
            head,
            metadata["head"],
            scale,
            squared_radius,
            recipe,
            bool(normalize),
            None if threshold is None else float(threshold),
            float(threshold_scale),
        )
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"the model {file} has damaged metadata or tensors: {first_line(error)}") from error
