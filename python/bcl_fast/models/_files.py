"""Reading a model, whoever wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.safetensors import read_safetensors
from bcl_fast._utils.types import PathLike
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.errors import InputError
from bcl_fast.models._authors_checkpoint import first_line, load_authors_checkpoint
from bcl_fast.models._heads import Head, make_head
from bcl_fast.models._model import MODEL_KIND, EmbeddingModel


def load_model(path: PathLike) -> EmbeddingModel:
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
    positive = [*numbers, *filter(None, [model.stored_threshold, model.neighbor_threshold])]
    if not finite or not all(0 < value < np.inf for value in positive):
        raise InputError(f"the model {file} holds values that are not finite or a scale or radius that is not positive")
    return model


def _load_safetensors(file: Path) -> EmbeddingModel:
    tensors, metadata = read_safetensors(file, "model", kind=MODEL_KIND, framework="pt")
    try:
        dimensions = [int(width) for width in json.loads(metadata["dimensions"])]
        head = _head_with(tensors, metadata["head"], dimensions)
        scale, squared_radius = (float(json.loads(metadata[key])) for key in ("input_scale", "squared_radius"))
        threshold = json.loads(metadata["distance_threshold"])
        recognizer = json.loads(metadata.get("recognizer", "null"))
        neighbors = json.loads(metadata.get("neighbor_threshold", "null"))
        return EmbeddingModel(
            head,
            metadata["head"],
            scale,
            squared_radius,
            recipe=json.loads(metadata["recipe"]),
            stored_threshold=None if threshold is None else float(threshold),
            threshold_scale=float(json.loads(metadata["threshold_scale"])),
            normalize=bool(json.loads(metadata["normalize"])),
            linkage=_linkage_of(metadata),
            neighbor_threshold=None if neighbors is None else float(neighbors),
            compared=json.loads(metadata.get("compared", "{}")),
            recognizer=None if recognizer is None else str(recognizer),
        )
    except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise InputError(f"the model {file} has damaged metadata or tensors: {first_line(error)}") from error


def _head_with(tensors: dict[str, torch.Tensor], kind: str, dimensions: list[int]) -> Head:
    """Make a head of these weights; dimensions of a crafted file take no memory that its tensors do not."""
    with torch.device("meta"):
        head = make_head(kind, dimensions[0], dimensions)
    wanted = {name: tuple(weight.shape) for name, weight in head.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if found != wanted:
        raise ValueError("the dimensions are not those of the tensors")
    head = head.to_empty(device="cpu")
    head.load_state_dict(tensors)
    return head


def _linkage_of(metadata: dict[str, str]) -> LinkageName:
    """Return the linkage of a model; those written before there were two have none."""
    linkage = metadata.get("linkage", "complete")
    if linkage not in ("complete", "average"):
        raise ValueError(f"linkage {linkage!r}")
    return "average" if linkage == "average" else "complete"
