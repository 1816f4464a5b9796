"""From features to embeddings: a trained head, the scale of its input, its radius, and the file that holds them."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from bcl_fast._utils.files import atomic_output, read_safetensors
from bcl_fast.errors import InputError
from bcl_fast.models._heads import SMALLEST_NORM, Head, make_head
from bcl_fast.tracks._checks import track_name

if TYPE_CHECKING:
    from bcl_fast.tracks._io import TrackSet

__all__ = ["EmbeddingModel", "load_model", "make_head"]

MODEL_FORMAT = "bcl_fast model 1"
_NEWER_METADATA = {
    "normalize": "true",
    "distance_threshold": "null",
    "threshold_scale": "1",
}  # what their absence means


@dataclass(eq=False)
class EmbeddingModel:
    """A head with all it takes to cluster: features go in, points come out, on the unit sphere if ``normalize``.

    Attributes
    ----------
    head : Head
        The trained head, float32.
    head_kind : str
        ``"mlp"``, ``"residual"`` or ``"linear"``.
    input_scale : float
        Features are multiplied by it, so that the head sees vectors of about unit norm whatever the base CNN.
    squared_radius : float
        The learned squared radius ``b`` of a ball.
    recipe : dict
        How the head was trained; JSON values.
    normalize : bool
        Whether embeddings are scaled to unit norm.
    stored_threshold : float or None
        The squared distance at which clusters are cut; None for ``4 * squared_radius``.
    threshold_scale : float
        Clusters are cut at this multiple of that; below 1 splits rather than merges. See
        `bcl_fast.evaluation._calibration`.
    """

    head: Head
    head_kind: str
    input_scale: float
    squared_radius: float
    recipe: dict[str, Any] = field(default_factory=dict)
    normalize: bool = True
    stored_threshold: float | None = None
    threshold_scale: float = 1.0

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Widths of the head from the features to the embeddings, both included."""
        return self.head.dimensions

    @property
    def n_features(self) -> int:
        """Dimension of the features that the model takes."""
        return self.dimensions[0]

    @property
    def distance_threshold(self) -> float:
        """Squared distance at which complete linkage stops: the stored one or ``4 * squared_radius``, scaled."""
        unscaled = 4 * self.squared_radius if self.stored_threshold is None else self.stored_threshold
        return self.threshold_scale * unscaled

    def fingerprint(self) -> str:
        """Short name of the map from features to embeddings, the same for the same weights, scale and normalisation."""
        digest = hashlib.sha256(f"{self.head_kind} {self.input_scale} {self.normalize}".encode())
        for name, tensor in sorted(self.head.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def embed(self, features: ArrayLike, batch_size: int = 65536) -> NDArray[np.float32]:
        """Embed a matrix of features.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
            As they come from the base CNN, not scaled.
        batch_size : int, default=65536
            Rows embedded at a time.

        Returns
        -------
        embeddings : ndarray of shape (n_samples, dimensions[-1]), float32
            Rows of unit norm if ``normalize``.

        Raises
        ------
        InputError
            If the dimension is not the model's, a row is not finite, or a row to be normalised is mapped to zero, which
            has no direction.
        """
        matrix = np.asarray(features)
        if matrix.ndim != 2:
            raise InputError(f"features must be 2-D (n_samples, n_features), got shape {matrix.shape}")
        if matrix.shape[1] != self.n_features:
            raise InputError(f"the model takes features of {self.n_features} dimensions, got {matrix.shape[1]}")
        return self._embed(matrix, batch_size, lambda row: f"row {row}")

    def embed_tracks(self, tracks: TrackSet) -> NDArray[np.float32]:
        """Embed the mean features of each track.

        Returns
        -------
        embeddings : ndarray of shape (n_tracks, dimensions[-1]), float32
            As from `embed`.

        Raises
        ------
        InputError
            As `embed`, naming the track.
        """
        if tracks.n_features != self.n_features:
            raise InputError(
                f"the model takes features of {self.n_features} dimensions, the tracks have {tracks.n_features}"
            )
        return self._embed(
            tracks.mean_features(), 65536, lambda row: track_name(tracks.track_ids[row], tracks.video_ids[row])
        )

    def _embed(self, matrix: NDArray[Any], batch_size: int, name_of: Callable[[int], str]) -> NDArray[np.float32]:
        embeddings = np.empty((len(matrix), self.dimensions[-1]), np.float32)
        self.head.eval()
        for start in range(0, len(matrix), batch_size):
            vectors = self._project(matrix[start : start + batch_size])
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            smallest = SMALLEST_NORM if self.normalize else -1.0
            for row in np.flatnonzero(~(np.isfinite(norms) & (norms > smallest)))[:1]:
                what = "the zero vector" if norms[row] <= SMALLEST_NORM else "a value that is not finite"
                where = name_of(start + int(row))
                raise InputError(f"every embedding must be finite and have a direction, got {what} in {where}")
            np.divide(vectors, norms if self.normalize else 1, out=embeddings[start : start + batch_size])
        return embeddings

    def _project(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        scaled = np.multiply(rows, np.float32(self.input_scale), dtype=np.float32)
        device = next(self.head.parameters()).device
        with torch.inference_mode():
            return self.head.project(torch.from_numpy(scaled).to(device)).cpu().numpy()

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the model as one ``.safetensors`` file, atomically.

        Raises
        ------
        InputError
            If the name does not end in ``.safetensors``, the file exists and ``force`` is false, or its folder cannot
            be written to.
        """
        if Path(path).suffix != ".safetensors":
            raise InputError(f"a model is written as .safetensors, got the name {os.fspath(path)}")
        metadata = {
            "format": MODEL_FORMAT,
            "head": self.head_kind,
            "dimensions": json.dumps(self.dimensions),
            "input_scale": json.dumps(self.input_scale),
            "squared_radius": json.dumps(self.squared_radius),
            "normalize": json.dumps(self.normalize),
            "distance_threshold": json.dumps(self.stored_threshold),
            "threshold_scale": json.dumps(self.threshold_scale),
            "recipe": json.dumps(self.recipe),
            "bcl_fast_version": version("bcl-fast"),
            "torch_version": torch.__version__,
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.head.state_dict().items()}
        with atomic_output(path, force=force) as temporary:
            safetensors.torch.save_file(tensors, temporary, metadata)


def load_model(path: str | os.PathLike[str]) -> EmbeddingModel:
    """Read a model: ``.safetensors`` as `EmbeddingModel.save` writes it, or a ``.pth.tar`` of the paper's authors.

    Nothing in the file is executed: a checkpoint is read as plain tensors only.

    Raises
    ------
    InputError
        If the file is missing, truncated, of another kind, or holds code or values that are not finite.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"the model {file} does not exist or is not a file")
    if file.suffix == ".safetensors":
        model = _load_safetensors(file)
    elif file.suffix in (".tar", ".pth", ".pt"):
        model = _load_authors_checkpoint(file)
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
        raise InputError(f"the model {file} has damaged metadata or tensors: {_first_line(error)}") from error


def _load_authors_checkpoint(file: Path) -> EmbeddingModel:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of pickles that it then refuses
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"the checkpoint {file} is damaged or holds Python code, which is never run") from error
    except Exception as error:  # damaged bytes can fail anywhere inside the unpickler
        raise InputError(f"the checkpoint {file} is not a whole PyTorch file: {_first_line(error)}") from error
    try:
        weights, raw = content["model_state"], content["criterion_state"]["ctrd.h_bias"]
        layers = [weights[f"linears.{i}.weight"] for i in range(len(weights) // 2)]
        dimensions = [layers[0].shape[1], *(layer.shape[0] for layer in layers)]
        head = make_head("mlp", dimensions[0], dimensions)
        head.load_state_dict(weights)
        squared_radius = float(nn.functional.softplus(raw.double()))
        recipe = {"source": "checkpoint of the paper's authors", "epochs": int(content.get("epoch", 0))}
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise InputError(f"the checkpoint {file} is not laid out like the authors': {_first_line(error)}") from error
    return EmbeddingModel(head, "mlp", 1.0, squared_radius, recipe)


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
