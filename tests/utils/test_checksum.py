"""Checksums of contents: every value, name, type and shape counts, the order of names does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast._utils.checksum import checksum

NAMES = np.array(["ab", "c"], dtype=object)


def test_the_order_of_names_and_the_layout_in_memory_do_not_count():
    matrix = np.arange(6.0).reshape(2, 3)
    assert checksum({"a": 1, "b": matrix}) == checksum({"b": np.asfortranarray(matrix), "a": 1})
    assert checksum(torch.from_numpy(matrix)) == checksum(torch.from_numpy(matrix.T.copy()).T)
    assert checksum([1, "x"]) == checksum((1, "x"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {}),
        ([1, [2]], [1, 2]),
        ([[], [1]], [[1], []]),
        (["a,", "b"], ["a", ",b"]),
        (np.zeros(4), np.zeros((2, 2))),
        (np.zeros(2, np.float32), np.zeros(1, np.float64)),
        (np.array([0.0]), np.array([-0.0])),
        (NAMES, np.array(["a", "bc"], dtype=object)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.int32)),
        (torch.tensor(1.0), torch.tensor([1.0])),
        (torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.float16)),
    ],
)
def test_what_differs_has_another_checksum(one, other):
    assert checksum(one) != checksum(other)


@given(st.binary(min_size=1, max_size=64), st.integers(0), st.integers(0, 7))
def test_every_bit_counts(data, place, bit):
    one = np.frombuffer(data, np.uint8)
    other = one.copy()
    other[place % len(one)] ^= 1 << bit
    assert checksum(one) != checksum(other)
    assert checksum({"tensor": torch.tensor(one)}) != checksum({"tensor": torch.tensor(other)})
