"""Pairs of a batch against all pairs written out, and their distances against autograd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.losses import _pair_sampling as pairs_of_labels
from bcl_fast.losses._pair_sampling import LabelBlocks, pair_distances

LABELS = st.lists(st.integers(-3, 5), min_size=1, max_size=24).map(torch.tensor)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(deadline=None, max_examples=40)
@given(LABELS)
def test_positive_pairs_are_all_pairs_of_one_identity_once(labels):
    first, second = LabelBlocks(labels).positive_pairs()
    found = sorted(tuple(sorted(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True))
    assert found == [(i, j) for i, j in itertools.combinations(range(len(labels)), 2) if labels[i] == labels[j]]


@settings(deadline=None, max_examples=40)
@given(LABELS, st.integers(0, 2**16))
def test_random_partners_are_of_another_identity(labels, seed):
    blocks = LabelBlocks(labels)
    first, second = blocks.random_negative_pairs(40, generator(seed))
    assert len(first) == len(second) == (40 if len(labels.unique()) > 1 else 0)
    assert bool((labels[first] != labels[second]).all())
    if len(labels.unique()) > 1:
        samples = torch.arange(len(labels)).repeat(3)
        assert bool((labels[blocks.random_others(samples, generator(seed))] != labels[samples]).all())


def test_every_negative_is_equally_likely():
    labels, draws = torch.tensor([0, 1, 0, 2, 0, 1]), 60_000
    pairs = [(i, j) for i, j in itertools.product(range(6), repeat=2) if labels[i] != labels[j]]
    first, second = LabelBlocks(labels).random_negative_pairs(draws, generator())
    counts = np.bincount(6 * first.numpy() + second.numpy(), minlength=36)
    np.testing.assert_allclose([counts[6 * i + j] for i, j in pairs], draws / len(pairs), rtol=0.1)
    others = LabelBlocks(labels).random_others(torch.full((draws,), 3), generator())
    np.testing.assert_allclose(np.bincount(others, minlength=6), [draws / 5] * 3 + [0] + [draws / 5] * 2, rtol=0.05)


def test_no_labels_have_no_pairs():
    blocks = LabelBlocks(torch.empty(0, dtype=torch.int64))
    assert [len(part) for part in blocks.positive_pairs()] == [0, 0]
    assert [len(part) for part in blocks.random_negative_pairs(3, generator())] == [0, 0]


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_distances_and_their_gradient(chunk, monkeypatch):
    monkeypatch.setattr(pairs_of_labels, "CHUNK_PAIRS", chunk)
    embeddings = torch.randn(9, 4, generator=generator(), dtype=torch.float64, requires_grad=True)
    first, second = torch.tensor([0, 0, 3, 8, 2, 2]), torch.tensor([1, 5, 0, 8, 7, 7])
    weights = torch.arange(1.0, 7.0, dtype=torch.float64)
    plain = (embeddings[first] - embeddings[second]).square().sum(1)
    torch.testing.assert_close(pair_distances(embeddings, first, second), plain)
    (expected,) = torch.autograd.grad(weights @ plain, embeddings)
    (found,) = torch.autograd.grad(weights @ pair_distances(embeddings, first, second), embeddings)
    torch.testing.assert_close(found, expected)
    assert torch.autograd.gradcheck(lambda points: pair_distances(points, first, second), embeddings)


def test_no_pairs_have_no_distances_and_no_gradient():
    embeddings, nothing = torch.ones(3, 2, requires_grad=True), torch.empty(0, dtype=torch.int64)
    distances = pair_distances(embeddings, nothing, nothing)
    assert distances.shape == (0,)
    assert torch.equal(torch.autograd.grad(distances.sum(), embeddings)[0], torch.zeros(3, 2))
