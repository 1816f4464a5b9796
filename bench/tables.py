"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from tabulate import tabulate


def table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    """Lines of a table, and an empty one behind it."""
    yield from tabulate(rows, header, tablefmt="github", disable_numparse=True).splitlines()
    yield ""
