"""The campaign of damaged files, as far as a test has time for it; ``make fuzz`` runs all of it."""

from __future__ import annotations

from fuzz.readers import run


def test_damaged_files_are_read_or_refused():
    counts = run(seed=1, cases=120)
    assert set(counts) == {"read", "refused"}
    assert sum(counts.values()) == 120
