"""From features to embeddings: a trained head, the scale of its input, its radius, and the file that holds them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.safetensors import check_safetensors_output
from bcl_fast.cluster import radius_threshold
from bcl_fast.errors import InputError
from bcl_fast.models._heads import SMALLEST_NORM, Head
from bcl_fast.tracks._names import track_name

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet

MODEL_FORMAT = "bcl_fast model 1"


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
        `bcl_fast.evaluation.calibrate`.
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
        return self.threshold_scale * self.unscaled_threshold

    @property
    def unscaled_threshold(self) -> float:
        """The same with a ``threshold_scale`` of 1."""
        return radius_threshold(self.squared_radius) if self.stored_threshold is None else self.stored_threshold

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
        check_safetensors_output(path, "model", force=force)
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
