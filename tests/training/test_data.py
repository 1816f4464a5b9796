"""Batches of tracks, and the faces that they show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.tracks import TrackSet
from bcl_fast.training import Recipe
from bcl_fast.training._data import TrainingData, mean_of_random_halves
from tests.helpers.training import blobs

QUICK = Recipe.paper(epochs=25, batch_size=256, learning_rate=0.1, radius_learning_rate_factor=0.01)


@given(n_tracks=st.integers(2, 60), batch_size=st.integers(2, 40), seed=st.integers(0, 2**16))
def test_an_epoch_shows_every_track_in_batches_of_one_size(n_tracks, batch_size, seed):
    tracks = TrackSet.from_arrays(np.ones((n_tracks, 2)), labels=np.arange(n_tracks))
    batches = TrainingData(tracks).batches(np.random.default_rng(seed), batch_size)
    assert len(batches) == -(-n_tracks // batch_size)
    assert all(len(np.unique(batch)) == len(batch) == min(n_tracks, batch_size) for batch in batches)
    np.testing.assert_array_equal(np.unique(np.concatenate(batches)), np.arange(n_tracks))


def test_a_batch_holds_one_scaled_face_of_each_of_its_tracks():
    tracks = blobs()
    data, batch = TrainingData(tracks), np.array([5, 0, 9])
    faces, codes = data.draw(np.random.default_rng(1), batch)
    assert data.input_scale == pytest.approx(1 / np.linalg.norm(tracks.features, axis=1).mean(), rel=1e-5)
    np.testing.assert_array_equal(codes, data.codes[batch])
    for face, track in zip(faces, batch, strict=True):
        own = tracks.features[tracks.offsets[track] : tracks.offsets[track + 1]]
        assert np.abs(own * np.float32(data.input_scale) - face).max(axis=1).min() == 0


@given(seed=st.integers(0, 2**16), lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_means_of_random_halves(seed, lengths):
    rng = np.random.default_rng(seed)
    tracks = TrackSet.from_arrays(2.0 ** np.arange(sum(lengths))[:, None] * [1, -1], np.append(0, np.cumsum(lengths)))
    batch = rng.permutation(len(lengths))
    found = mean_of_random_halves(tracks, rng, batch)
    for mean, track in zip(found, batch, strict=True):
        half = -(-lengths[track] // 2)
        bits = format(round(float(mean[0]) * half), "b")[::-1]  # a face is a power of two, so a sum says which faces
        faces = [place for place, bit in enumerate(bits) if bit == "1"]
        assert len(faces) == half
        assert all(tracks.offsets[track] <= face < tracks.offsets[track + 1] for face in faces)
        assert mean[1] == -mean[0]


def test_all_halves_are_equally_likely():
    tracks, rng = TrackSet.from_arrays(np.eye(3), [0, 3]), np.random.default_rng(0)
    means = np.concatenate([mean_of_random_halves(tracks, rng, np.array([0])) for _ in range(3000)])
    np.testing.assert_allclose(means.mean(axis=0), [1 / 3] * 3, atol=0.02)
    assert set(means.ravel().tolist()) == {0.0, 0.5}
