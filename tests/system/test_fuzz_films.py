"""The campaign of damaged films, as far as a test has time for it; ``make fuzz`` runs all of it."""

from __future__ import annotations

from fuzz.films import run


def test_damaged_films_are_looked_at_or_refused() -> None:
    counts = run(seed=1, cases=40)
    assert set(counts) == {"read", "refused"}
    assert sum(counts.values()) == 40
