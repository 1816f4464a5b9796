"""Which network made the features: those of two networks have nothing in common."""

from __future__ import annotations

from collections.abc import Sequence

from bcl_fast._utils.text import one_line
from bcl_fast.errors import InputError


def same_recognizer(fingerprints: Sequence[str | None], names: Sequence[str]) -> str | None:
    """Return the network that made the features of several sets of tracks, None if no set says it.

    Parameters
    ----------
    fingerprints : sequence of str or None
        Of the network, as far as each set says it.
    names : sequence of str
        What the sets are called in messages.

    Raises
    ------
    InputError
        If two sets say two networks.
    """
    known = [(print_, name) for print_, name in zip(fingerprints, names, strict=True) if print_ is not None]
    for print_, name in known[1:]:
        if print_ != known[0][0]:
            made = f"{one_line(known[0][0])} in {known[0][1]} and by {one_line(print_)} in {name}"
            raise InputError(f"features must be of one recognizer, which alone can be compared, got those by {made}")
    return known[0][0] if known else None
