"""How much memory a clustering takes by default."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast.cluster import _input
from bcl_fast.cluster._input import rung_memory


def points_of(n_samples: int) -> np.ndarray:
    return np.broadcast_to(np.zeros(64, np.float32), (n_samples, 64))


def test_a_large_clustering_takes_half_of_what_is_free(monkeypatch):
    wanted, may_copy = rung_memory(points_of(1_000_000), 10**12)
    assert may_copy
    monkeypatch.setattr(_input, "free_memory", lambda: 2 * 10**12)
    assert rung_memory(points_of(1_000_000), None) == (wanted, True)
    monkeypatch.setattr(_input, "free_memory", lambda: 2 * 700_000_000)
    assert rung_memory(points_of(1_000_000), None) == rung_memory(points_of(1_000_000), 700_000_000)
    assert rung_memory(points_of(1_000_000), 700_000_000)[0] < wanted


def test_a_small_one_does_not_ask(monkeypatch):
    monkeypatch.setattr(_input, "free_memory", lambda: pytest.fail("it takes longer than the clustering"))
    assert rung_memory(points_of(20_000), None) == rung_memory(points_of(20_000), 10**12)
