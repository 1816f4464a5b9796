"""Scores of every cut of a dendrogram: those of the metrics on each cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast import average_linkage, b_cubed, complete_linkage, cut_merges, normalized_mutual_information
from bcl_fast.evaluation import scores_of_merges


@pytest.mark.parametrize("link", [complete_linkage, average_linkage])
@pytest.mark.parametrize(("n_samples", "n_identities"), [(1, 1), (2, 1), (2, 2), (40, 5), (60, 60), (60, 1)])
def test_each_cut_scores_as_the_metrics_say(link, n_samples, n_identities):
    rng = np.random.default_rng(n_samples + n_identities)
    codes = rng.permutation(np.arange(n_samples) % n_identities)
    merges = link(rng.standard_normal((n_samples, 3)) + codes[:, None]).merges
    scores = scores_of_merges(merges, codes)
    assert len(scores.nmi) == len(scores.b_cubed_f) == n_samples
    for n_merges in range(n_samples):
        labels = cut_merges(merges, n_samples, n_clusters=n_samples - n_merges)
        assert scores.nmi[n_merges] == pytest.approx(normalized_mutual_information(codes, labels), abs=1e-9)
        assert scores.b_cubed_f[n_merges] == pytest.approx(b_cubed(codes, labels).f_score, abs=1e-9)


@given(seed=st.integers(0, 2**16), n_samples=st.integers(1, 30), n_identities=st.integers(1, 6))
def test_a_sample_counts_as_so_many_that_are_never_apart(seed, n_samples, n_identities):
    rng = np.random.default_rng(seed)
    codes = np.unique(rng.integers(n_identities, size=n_samples), return_inverse=True)[1]
    weights = rng.integers(1, 5, n_samples)
    merges = average_linkage(rng.standard_normal((n_samples, 2))).merges
    scores, halves = scores_of_merges(merges, codes, weights), scores_of_merges(merges, codes, weights / 2)
    for n_merges in range(n_samples):
        labels = np.repeat(cut_merges(merges, n_samples, n_clusters=n_samples - n_merges), weights)
        people = np.repeat(codes, weights)
        assert scores.nmi[n_merges] == pytest.approx(normalized_mutual_information(people, labels), abs=1e-9)
        assert scores.b_cubed_f[n_merges] == pytest.approx(b_cubed(people, labels).f_score, abs=1e-9)
    np.testing.assert_allclose(np.array(halves), np.array(scores), atol=1e-9)


def test_of_a_dendrogram_that_stopped_early_there_are_as_many_scores_as_merges():
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    scores = scores_of_merges(complete_linkage(points, 2.0).merges, np.array([0, 0, 1, 1]))
    assert scores.b_cubed_f.tolist() == pytest.approx([2 / 3, 6 / 7, 1.0])
    assert scores.nmi[-1] == pytest.approx(1)
