"""Where clusters are cut for a number of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.cluster import complete_linkage, threshold_for_count


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 30), dim=st.integers(1, 4), seed=st.integers(0, 2**16), share=st.floats(0, 1))
def test_the_threshold_leaves_the_number_of_clusters(n, dim, seed, share):
    points = np.random.default_rng(seed).standard_normal((n, dim))
    wanted = 1 + round(share * (n - 1))
    assert complete_linkage(points, threshold_for_count(points, wanted)).n_clusters == wanted


def test_the_threshold_lies_midway_between_two_numbers_of_clusters():
    points = np.array([[0.0], [1.0], [10.0]])
    assert threshold_for_count(points, 2) == pytest.approx((1 + 100) / 2)
    assert threshold_for_count(points, 3) == pytest.approx(0.5)
    assert threshold_for_count(points, 1) == pytest.approx(100, rel=1e-5)


def test_ties_leave_fewer_clusters():
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    assert complete_linkage(points, threshold_for_count(points, 3)).n_clusters == 2
