"""From features to embeddings: a head and the scale of its input."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.arrays import as_array
from bcl_fast._utils.checks import SMALLEST_NORM, whole_at_least
from bcl_fast.errors import InputError
from bcl_fast.models._heads import Head
from bcl_fast.tracks import same_recognizer
from bcl_fast.tracks._names import track_name

if TYPE_CHECKING:
    from bcl_fast.tracks import TrackSet


@dataclass(eq=False)
class Embedding:
    """A head with all it takes to embed: features go in, points come out, on the unit sphere if ``normalize``.

    Attributes
    ----------
    head : Head
        Float32, trained or in training.
    head_kind : str
        ``"mlp"``, ``"residual"`` or ``"linear"``.
    input_scale : float
        Features are multiplied by it, so that the head sees vectors of about unit norm whatever the base CNN.
    normalize : bool
        Whether embeddings are scaled to unit norm.
    recognizer : str or None
        Fingerprint of the network whose features it takes; None where nobody said it.
    """

    head: Head
    head_kind: str
    input_scale: float
    normalize: bool = field(default=True, kw_only=True)
    recognizer: str | None = field(default=None, kw_only=True)

    @property
    def dimensions(self) -> tuple[int, ...]:
        """Widths of the head from the features to the embeddings, both included."""
        return self.head.dimensions

    @property
    def n_features(self) -> int:
        """Dimension of the features that the model takes."""
        return self.dimensions[0]

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
        matrix = as_array(features, "features")
        if matrix.ndim != 2:
            raise InputError(f"features must be 2-D (n_samples, n_features), got shape {matrix.shape}")
        if matrix.shape[1] != self.n_features:
            raise InputError(f"the model takes features of {self.n_features} dimensions, got {matrix.shape[1]}")
        return self._embed(matrix, whole_at_least("batch_size", batch_size, 1), lambda row: f"row {row}")

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
        self.check_takes(tracks)
        return self._embed(
            tracks.mean_features(), 65536, lambda row: track_name(tracks.track_ids[row], tracks.video_ids[row])
        )

    def check_takes(self, tracks: TrackSet) -> None:
        """Check that the features of tracks are of the kind that the embedding was made for.

        Raises
        ------
        InputError
            If they are of another dimension, or of another recogniser than the one that it says.
        """
        if tracks.n_features != self.n_features:
            raise InputError(
                f"the model takes features of {self.n_features} dimensions, the tracks have {tracks.n_features}"
            )
        same_recognizer([self.recognizer, tracks.recognizer], ["the model", "the tracks"])

    def _embed(self, matrix: NDArray[Any], batch_size: int, name_of: Callable[[int], str]) -> NDArray[np.float32]:
        embeddings = np.empty((len(matrix), self.dimensions[-1]), np.float32)
        self.head.eval()
        for start in range(0, len(matrix), batch_size):
            vectors = self._project(matrix[start : start + batch_size])
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            smallest = SMALLEST_NORM if self.normalize else -1.0
            bad = np.flatnonzero(~(np.isfinite(norms) & (norms > smallest)))
            if len(bad):
                what = "the zero vector" if norms[bad[0]] <= SMALLEST_NORM else "a value that is not finite"
                where = name_of(start + int(bad[0]))
                raise InputError(f"every embedding must be finite and have a direction, got {what} in {where}")
            np.divide(vectors, norms if self.normalize else 1, out=embeddings[start : start + batch_size])
        return embeddings

    def _project(self, rows: NDArray[Any]) -> NDArray[np.float32]:
        scaled = np.multiply(rows, np.float32(self.input_scale), dtype=np.float32)
        device = next(self.head.parameters()).device
        with torch.inference_mode():
            return self.head.project(torch.from_numpy(scaled).to(device)).cpu().numpy()
