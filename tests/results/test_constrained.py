"""Clusters of tracks that know of pairs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

from bcl_fast import complete_linkage
from bcl_fast.results import cluster_with_pairs, count_violated
from bcl_fast.tracks import TrackPairs


@settings(deadline=None)
@given(n=st.integers(2, 25), seed=st.integers(0, 2**16), quantile=st.floats(0, 1), share=st.floats(0, 0.5))
def test_clusters_are_those_under_the_constraints(n, seed, quantile, share):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 2))
    distances = pdist(points, "sqeuclidean")
    threshold = np.quantile(distances, quantile)
    together = np.argwhere(np.triu(squareform(distances) > threshold * rng.random() * 2, 1))
    cannot_link = together[rng.random(len(together)) < share]
    labels, violations = cluster_with_pairs(points, threshold, TrackPairs(cannot_link=cannot_link))
    wanted = complete_linkage(points, threshold, cannot_link=cannot_link).labels
    np.testing.assert_array_equal(labels, wanted)
    plain = complete_linkage(points, threshold).labels
    assert violations == (len(cannot_link), count_violated(plain, cannot_link), 0)
