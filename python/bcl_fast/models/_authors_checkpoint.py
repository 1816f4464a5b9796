"""The checkpoints that the paper's authors published."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import torch
from torch import nn

from bcl_fast.errors import InputError
from bcl_fast.models._heads import make_head
from bcl_fast.models._model import EmbeddingModel


def load_authors_checkpoint(file: Path) -> EmbeddingModel:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of pickles that it then refuses
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"the checkpoint {file} is damaged or holds Python code, which is never run") from error
    except Exception as error:  # damaged bytes can fail anywhere inside the unpickler
        raise InputError(f"the checkpoint {file} is not a whole PyTorch file: {first_line(error)}") from error
    try:
        weights, raw = content["model_state"], content["criterion_state"]["ctrd.h_bias"]
        layers = [weights[f"linears.{i}.weight"] for i in range(len(weights) // 2)]
        dimensions = [layers[0].shape[1], *(layer.shape[0] for layer in layers)]
        head = make_head("mlp", dimensions[0], dimensions)
        head.load_state_dict(weights)
        squared_radius = float(nn.functional.softplus(raw.double()))
        recipe = {"source": "checkpoint of the paper's authors", "epochs": int(content.get("epoch", 0))}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise InputError(f"the checkpoint {file} is not laid out like the authors': {first_line(error)}") from error
    return EmbeddingModel(head, "mlp", 1.0, squared_radius, recipe)


def first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
