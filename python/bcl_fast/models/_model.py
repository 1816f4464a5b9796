"""A trained model: an embedding, where its clusters are cut, and the file that holds both."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import torch

from bcl_fast._utils.safetensors import write_safetensors
from bcl_fast._utils.types import PathLike
from bcl_fast.cluster import radius_threshold
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.models._embedding import Embedding

MODEL_KIND = "bcl_fast model"  # of files


@dataclass(eq=False)
class EmbeddingModel(Embedding):
    """A trained head with all it takes to cluster: features go in, points come out, cut at ``distance_threshold``.

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
    stored_threshold : float or None
        The squared distance at which clusters are cut; None for what the radius stands for, ``4 * squared_radius`` with
        complete linkage, ``3 * squared_radius`` with average linkage.
    threshold_scale : float
        Clusters are cut at this multiple of that; below 1 splits rather than merges. See
        `bcl_fast.evaluation.calibrate`.
    linkage : {"complete", "average"}
        What the threshold limits between two clusters: the largest distance of their tracks, or the mean of all.
    neighbor_threshold : float or None
        Before clustering each track is averaged with its nearest neighbours within this squared distance; see
        `bcl_fast.cluster.average_neighbors`. None for tracks as they are.
    compared : dict
        What was compared to choose all this, with scores; empty where nothing was.
    normalize : bool
        Whether embeddings are scaled to unit norm.
    recognizer : str or None
        Fingerprint of the network whose features it takes; None where nobody said it.
    """

    squared_radius: float
    recipe: dict[str, Any] = field(default_factory=dict)
    stored_threshold: float | None = None
    threshold_scale: float = 1.0
    linkage: LinkageName = "complete"
    neighbor_threshold: float | None = None
    compared: dict[str, Any] = field(default_factory=dict)

    @property
    def distance_threshold(self) -> float:
        """Squared distance at which the linkage stops: the stored one or what the radius stands for, scaled."""
        return self.threshold_scale * self.unscaled_threshold

    @property
    def unscaled_threshold(self) -> float:
        """The same with a ``threshold_scale`` of 1."""
        if self.stored_threshold is not None:
            return self.stored_threshold
        return radius_threshold(self.squared_radius, self.linkage)

    @property
    def clustering_options(self) -> dict[str, Any]:
        """What `bcl_fast.cluster_tracks`, `evaluate` and `update_result` take beside the threshold, as keywords."""
        return {"linkage": self.linkage, "neighbor_threshold": self.neighbor_threshold}

    def save(self, path: PathLike, *, force: bool = False) -> None:
        """Write the model as one ``.safetensors`` file, atomically.

        Raises
        ------
        InputError
            If the name does not end in ``.safetensors``, the file exists and ``force`` is false, or its folder cannot
            be written to.
        """
        metadata = {
            "head": self.head_kind,
            "dimensions": json.dumps(self.dimensions),
            "input_scale": json.dumps(self.input_scale),
            "squared_radius": json.dumps(self.squared_radius),
            "normalize": json.dumps(self.normalize),
            "distance_threshold": json.dumps(self.stored_threshold),
            "threshold_scale": json.dumps(self.threshold_scale),
            "linkage": self.linkage,
            "neighbor_threshold": json.dumps(self.neighbor_threshold),
            "recipe": json.dumps(self.recipe),
            "compared": json.dumps(self.compared),
            "recognizer": json.dumps(self.recognizer),
            "torch_version": torch.__version__,
        }
        tensors = {name: tensor.contiguous() for name, tensor in self.head.state_dict().items()}
        write_safetensors(path, "model", tensors, metadata, kind=MODEL_KIND, framework="pt", force=force)
