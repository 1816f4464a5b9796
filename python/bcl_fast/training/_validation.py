"""Validation tracks, and where clusters are cut after an epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast.cluster import radius_threshold
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.evaluation import normalized_mutual_information, weighted_clustering_purity
from bcl_fast.tracks import TrackSet
from bcl_fast.training._data import identity_codes


class Stop(NamedTuple):
    """Where clusters are cut, as far as an epoch has found out."""

    squared_radius: float | None
    linkage: LinkageName
    stored_threshold: float | None = None

    @property
    def distance_threshold(self) -> float | None:
        if self.stored_threshold is None and self.squared_radius is not None:
            return radius_threshold(self.squared_radius, self.linkage)
        return self.stored_threshold


class Validation:
    """Validation tracks, clustered as test tracks are."""

    def __init__(self, tracks: TrackSet, linkage: LinkageName) -> None:
        self.linkage = linkage
        self.tracks = tracks = tracks if tracks.labels is None else tracks.labelled()
        self.codes = identity_codes(tracks, "validation")
        self.n_identities = int(self.codes.max()) + 1

    def scores(self, embeddings: NDArray[np.float32], distance_threshold: float) -> dict[str, Any]:
        clusters = LINKAGES[self.linkage](embeddings, distance_threshold)
        return {
            "val_nmi": normalized_mutual_information(self.codes, clusters.labels),
            "val_wcp": weighted_clustering_purity(self.codes, clusters.labels),
            "val_n_clusters": int(clusters.n_clusters),
            "val_n_identities": self.n_identities,
        }
