"""A threshold scale for a pairwise precision, against counting over all pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.cluster import complete_linkage, cut_merges
from bcl_fast.errors import InputError
from bcl_fast.evaluation import calibrate
from bcl_fast.evaluation._calibration import LARGEST_SCALE, pairs_of_merges
from bcl_fast.models import EmbeddingModel
from bcl_fast.models._heads import make_head
from bcl_fast.results import count_violated
from bcl_fast.tracks import TrackPairs, TrackSet


def precision_and_recall(codes, labels) -> tuple[float, float]:
    pairs = list(combinations(range(len(codes)), 2))
    same = sum(codes[a] == codes[b] and labels[a] == labels[b] for a, b in pairs)
    together = sum(labels[a] == labels[b] for a, b in pairs)
    return same / together if together else np.nan, same / sum(codes[a] == codes[b] for a, b in pairs)


def crowd(n_tracks: int, n_people: int, seed: int, spread: float = 0.4) -> TrackSet:
    rng = np.random.default_rng(seed)
    people = np.arange(n_tracks) % n_people
    centers = rng.standard_normal((n_people, 4))
    return TrackSet.from_arrays(centers[people] + spread * rng.standard_normal((n_tracks, 4)), labels=people)


def identity(squared_radius: float = 0.25) -> EmbeddingModel:
    """A model that only scales features to unit norm."""
    return EmbeddingModel(make_head("residual", 4), "residual", 1.0, squared_radius)


@given(n=st.integers(2, 30), n_people=st.integers(1, 6), seed=st.integers(0, 2**16))
def test_pairs_of_merges_equal_counting_in_each_cut(n, n_people, seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_people, n)
    merges = complete_linkage(rng.standard_normal((n, 2))).merges
    totals = np.cumsum(pairs_of_merges(merges, codes), axis=0)
    for row in range(len(merges)):
        labels = cut_merges(merges, n, n - row - 1)
        pairs = [(a, b) for a, b in combinations(range(n), 2) if labels[a] == labels[b]]
        assert totals[row].tolist() == [sum(codes[a] == codes[b] for a, b in pairs), len(pairs)]


@settings(deadline=None)
@given(
    n_tracks=st.integers(6, 40),
    n_people=st.integers(2, 5),
    seed=st.integers(0, 2**16),
    precision=st.sampled_from([0.5, 0.9, 0.99, 1.0]),
    spread=st.sampled_from([0.1, 0.4, 1.0]),
)
def test_the_largest_threshold_that_is_precise_enough(n_tracks, n_people, seed, precision, spread):
    tracks, model = crowd(n_tracks, n_people, seed, spread), identity()
    points, codes = model.embed_tracks(tracks), tracks.label_codes()[0]
    merges = complete_linkage(points, LARGEST_SCALE * model.distance_threshold).merges

    def scores(threshold: float) -> tuple[float, float]:
        return precision_and_recall(codes, complete_linkage(points, threshold).labels)

    reachable = [height for height in merges[:, 2] if scores(height * (1 + 1e-6))[0] >= precision]
    if not reachable:
        with pytest.raises(
            InputError, match=f"no threshold up to 2.0 times the model's gives a pairwise precision of {precision}"
        ):
            calibrate(model, tracks, precision)
        return
    found = calibrate(model, tracks, precision)
    model.threshold_scale = found.scale
    labels = complete_linkage(points, model.distance_threshold).labels
    assert found.n_clusters == labels.max() + 1
    assert (found.precision, found.recall) == pytest.approx(precision_and_recall(codes, labels))
    assert found.precision >= precision
    assert found.recall == pytest.approx(scores(reachable[-1] * (1 + 1e-6))[1])
    assert reachable[-1] <= model.distance_threshold * (1 + 1e-6)


def test_a_higher_precision_splits_more():
    tracks, model = crowd(120, 8, seed=1, spread=0.5), identity()
    scales = [calibrate(model, tracks, precision).scale for precision in (0.6, 0.8, 0.95)]
    assert scales == sorted(scales)[::-1]
    assert scales[0] > scales[-1]


def test_constraints_count():
    tracks, model = crowd(60, 4, seed=2, spread=0.6), identity()
    codes, _ = tracks.label_codes()
    apart = np.array([(a, b) for a, b in combinations(range(60), 2) if codes[a] != codes[b]])
    found = calibrate(model, tracks, 1.0, pairs=TrackPairs(cannot_link=apart))
    assert found.precision == 1
    assert found.scale > calibrate(model, tracks, 1.0).scale
    model.threshold_scale = found.scale
    labels = complete_linkage(model.embed_tracks(tracks), model.distance_threshold, cannot_link=apart).labels
    assert count_violated(labels, apart) == 0
    assert found.n_clusters == labels.max() + 1


@pytest.mark.parametrize(
    ("labels", "precision", "message"),
    [
        (list("aabb"), 0.0, r"precision must be in \(0, 1\], got 0.0"),
        (list("aabb"), 1.1, "got 1.1"),
        (list("aaaa"), 0.9, "calibration wants tracks of two people or more, .* got 4 tracks of 1"),
        (list("abcd"), 0.9, "and two tracks or more of one of them, got 4 tracks of 4"),
        (None, 0.9, "the tracks must have labels"),
    ],
)
def test_bad_input(labels, precision, message):
    tracks = TrackSet.from_arrays(np.eye(4), labels=labels)
    with pytest.raises(InputError, match=message):
        calibrate(identity(), tracks, precision)
