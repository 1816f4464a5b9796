"""Heads that need no training: the features as they are, and whitened."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bcl_fast.models import Embedding
from bcl_fast.models._heads import LinearHead
from bcl_fast.training._comparison import UNTRAINED
from bcl_fast.training._data import TrainingData

SHRINKAGE = 0.3  # of the covariance towards its mean variance


def untrained(data: TrainingData) -> dict[str, Embedding]:
    """Return the embeddings to compare a trained one with: ``"features"`` and ``"whitened"``, both of unit norm."""
    features = LinearHead([data.tracks.n_features] * 2)
    weight, bias = _whitening(data.tracks.mean_features().astype(np.float64) * data.input_scale)
    whitened = LinearHead([data.tracks.n_features] * 2)
    with torch.no_grad():
        whitened.linear.weight.copy_(torch.from_numpy(weight))
        whitened.linear.bias.copy_(torch.from_numpy(bias))
    return {
        name: Embedding(head.eval(), "linear", data.input_scale)
        for name, head in zip(UNTRAINED, (features, whitened), strict=True)
    }


def _whitening(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the linear map that makes all directions about equally wide, and the offset that centres."""
    mean = points.mean(axis=0)
    covariance = (points - mean).T @ (points - mean) / len(points)
    level = np.trace(covariance) / len(covariance)
    if level == 0:  # all tracks alike: nothing to widen
        return np.eye(len(covariance)), np.zeros(len(covariance))
    variances, directions = np.linalg.eigh(covariance + SHRINKAGE * level * np.eye(len(covariance)))
    weight = (directions / np.sqrt(np.maximum(variances, SHRINKAGE * level))) @ directions.T
    return weight, -weight @ mean
