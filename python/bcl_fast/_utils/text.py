"""Words for messages."""

from __future__ import annotations

from collections.abc import Sequence

from bcl_fast._utils.escape import as_printable

LONGEST = 200  # characters of what others wrote


def one_line(text: object) -> str:
    """Return what a library said, or what a file holds, as one printable line, not too long for a message."""
    line = as_printable(" ".join(str(text).split())).rstrip(".")
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def brief(value: object) -> str:
    """Return a value as a message shows it: in one line that is not too long."""
    try:
        return one_line(repr(value))
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


def listed(words: Sequence[str]) -> str:
    """Write words one after the other, the last after *and*."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def counted(number: int, what: str) -> str:
    """Put a number before its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
