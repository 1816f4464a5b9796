"""Words for messages."""

from __future__ import annotations


def counted(number: int, what: str) -> str:
    """Put a number before its noun."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
