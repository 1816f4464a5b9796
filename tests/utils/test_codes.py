"""Codes of names, counted by first appearance."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast._utils.codes import categories


@given(st.lists(st.sampled_from(["", "a", "b", "ab", "é"]), max_size=30))
@settings(max_examples=50, deadline=None)
def test_categories_equal_a_dictionary(values: list[str]) -> None:
    seen = list(dict.fromkeys(values))
    codes, names = categories(np.array(values, dtype=np.str_))
    assert codes.tolist() == [seen.index(value) if value else -1 for value in values]
    assert names.tolist() == seen
