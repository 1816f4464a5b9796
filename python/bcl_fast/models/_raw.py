"""Embeddings without a model: the features as they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet
from bcl_fast.tracks._names import track_name


def raw_embeddings(tracks: TrackSet) -> NDArray[np.float32]:
    """Mean features of each track scaled to unit norm: what there is to cluster without a trained head.

    Returns
    -------
    embeddings : ndarray of shape (n_tracks, n_features), float32

    Raises
    ------
    InputError
        If the mean features of a track are zero, which have no direction.
    """
    means = tracks.mean_features()
    norms = np.linalg.norm(means.astype(np.float64), axis=1, keepdims=True)  # float32 squares leave its range
    bad = np.flatnonzero(norms == 0)
    if len(bad):
        name = track_name(tracks.track_ids[bad[0]], tracks.video_ids[bad[0]])
        raise InputError(f"mean features must have a direction, got the zero vector for {name}")
    return (means / norms).astype(np.float32)
