"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Lines of a table, and an empty one behind it."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""
