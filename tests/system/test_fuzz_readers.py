"""The campaign of damaged files, as far as a test has time for it; ``make fuzz`` runs all of it."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast.errors import InputError
from fuzz.good_files import write_good_files
from fuzz.our_files import READERS, content_of
from fuzz.readers import run


def test_damaged_files_are_read_or_refused():
    counts = run(seed=1, cases=120)
    assert set(counts) == {"read", "refused"}
    assert sum(counts.values()) == 120


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    write_good_files(folder)
    return folder


def read_or_refused(path, good) -> str:
    """Return the checksum of what a file holds, or the sentence that refuses it."""
    try:
        return content_of(path, good)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_is_a_sentence_or_changes_nothing(name, good, tmp_path):
    whole, before = (good / name).read_bytes(), content_of(good / name, good)
    refused = 0
    for place in np.random.default_rng(0).integers(0, 8 * len(whole), 250).tolist():
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        (tmp_path / name).write_bytes(damaged)
        found = read_or_refused(tmp_path / name, good)
        assert found == before or (name in found and "\n" not in found), place
        refused += found != before
    assert refused > 50  # some bits mean nothing: padding, names of records
