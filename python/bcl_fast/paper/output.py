"""Tables of a reproduction as Markdown and CSV: scores over repeats as mean and standard deviation."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.csv import write_csv
from bcl_fast._utils.escape import as_markdown
from bcl_fast._utils.files import atomic_output

Record = dict[str, Any]  # keys and measures of one row of one repeat


@dataclass(frozen=True)
class Table:
    """Rows of scores.

    Attributes
    ----------
    title : str
    keys : tuple of str
        Columns that say what a row is of.
    measures : mapping of str to str
        Columns of numbers, and how they are written: a format such as ``".3f"``.
    records : list of Record
        A row of each repeat; ``repeat`` says which. Rows of the same keys are averaged.
    columns_are : str
        The key whose values are columns in Markdown, with the measures of the other keys below each other; empty for a
        row for all keys.
    facts : tuple of str
        Measures that depend on the column alone, first rows of the wide layout.
    """

    title: str
    keys: tuple[str, ...]
    measures: Mapping[str, str]
    records: list[Record]
    columns_are: str = ""
    facts: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def averaged(self) -> dict[tuple[Any, ...], dict[str, tuple[float, float, int]]]:
        """Mean, standard deviation over the repeats (0 for one) and number of repeats of each measure, by keys."""
        grouped: dict[tuple[Any, ...], list[Record]] = {}
        for record in self.records:
            grouped.setdefault(tuple(record.get(key, "") for key in self.keys), []).append(record)
        return {
            keys: {
                name: _mean([record[name] for record in records if record.get(name) is not None])
                for name in self.measures
            }
            for keys, records in grouped.items()
        }

    def as_markdown(self) -> str:
        """Return the table as GitHub's Markdown, with its title and notes."""
        header, rows = self._wide() if self.columns_are else self._long()
        parts = [f"### {self.title}", _grid(header, rows), *self.notes]
        return "\n\n".join(part for part in parts if part)

    def _long(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [*map(as_markdown, keys), *(_written(values[name], form) for name, form in self.measures.items())]
            for keys, values in self.averaged().items()
        ]
        return [*self.keys, *self.measures], rows

    def _wide(self) -> tuple[list[str], list[list[str]]]:
        averaged = self.averaged()
        place = self.keys.index(self.columns_are)
        columns = list(dict.fromkeys(keys[place] for keys in averaged))
        by_row: dict[tuple[Any, ...], dict[Any, dict[str, tuple[float, float, int]]]] = {}
        for keys, values in averaged.items():
            by_row.setdefault(keys[:place] + keys[place + 1 :], {})[keys[place]] = values
        any_row = {column: values for cells in by_row.values() for column, values in cells.items()}
        blank = [""] * (len(self.keys) - 1)
        rows = [
            [*blank, fact, *(_written(any_row[c][fact], self.measures[fact]) for c in columns)] for fact in self.facts
        ]
        for keys, cells in by_row.items():
            for name in (name for name in self.measures if name not in self.facts):
                written = (_written(cells[c][name], self.measures[name]) if c in cells else "" for c in columns)
                rows.append([*map(as_markdown, keys), name, *written])
        return [*(key for key in self.keys if key != self.columns_are), "", *map(as_markdown, columns)], rows


def _mean(values: Sequence[float]) -> tuple[float, float, int]:
    if not values:
        return np.nan, 0.0, 0
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values)


def _written(value: tuple[float, float, int], form: str) -> str:
    mean, deviation, count = value
    if count == 0:
        return ""
    if form == ",d":  # a count: whole where it is one
        form = ",.0f" if float(mean).is_integer() and deviation == 0 else ",.1f"
    text = format(mean, form)
    return text if count == 1 or deviation == 0 else f"{text} ± {format(deviation, form)}"


def _grid(header: list[str], rows: list[list[str]]) -> str:
    from tabulate import tabulate

    return tabulate(rows, header, tablefmt="github", disable_numparse=True)


def as_csv(tables: Sequence[Table]) -> str:
    """All records of the tables of a file, one line a repeat, numbers unrounded."""
    source = ("source",) if any("source" in record for table in tables for record in table.records) else ()
    columns = dict.fromkeys(
        name for table in tables for name in ("table", *table.keys, *source, "repeat", *table.measures)
    )
    text = io.StringIO()
    records = ({"table": table.title, **record} for table in tables for record in table.records)
    write_csv(text, columns, ([record.get(name, "") for name in columns] for record in records))
    return text.getvalue()


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, whatever was there."""
    with atomic_output(path, force=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
