"""What a table or figure is made of: pieces of work, the tables that they fill, and the paper's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bcl_fast.models import EmbeddingModel
from bcl_fast.paper import figures
from bcl_fast.paper.output import Record, Table
from bcl_fast.paper.source import Data
from bcl_fast.paper.variants import Variant
from bcl_fast.tracks import Splits

Score = Callable[[Splits, EmbeddingModel | None], list[Record]]


@dataclass(frozen=True)
class Scoring:
    """One piece of work whose result is kept: some rows of a table.

    Attributes
    ----------
    name : str
        Unique within the table; part of a file name.
    score : callable
        Takes the tracks and the model; can be sent to another process.
    variant : Variant or None
        The training whose model it wants.
    alone : bool
        Whether it measures time: it wants the machine for itself, and a simulation to have the paper's size.
    """

    name: str
    score: Score
    variant: Variant | None = None
    alone: bool = False


@dataclass(frozen=True)
class Part:
    """One table of an output: the records of some scorings, and of the paper."""

    title: str
    keys: tuple[str, ...]
    measures: Mapping[str, str]
    scorings: list[Scoring]
    where: Callable[[Record], bool] = field(default=lambda record: True)
    columns_are: str = ""
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    of_the_paper: list[Record] = field(default_factory=list)

    def table(self, records: Mapping[str, list[Record]], data: Data) -> Table:
        """Put the records of the scorings, by their names, into a table; a column says whose each row is."""
        own = [{**record, "source": f"ours, {data}"} for scoring in self.scorings for record in records[scoring.name]]
        rows = [record for record in [*own, *self.of_the_paper] if self.where(record)]
        keys = (*self.keys, *(("source",) if self.of_the_paper else ()))
        return Table(self.title, keys, self.measures, rows, self.columns_are, self.facts, list(self.notes))


@dataclass(frozen=True)
class Output:
    """A table or figure of the paper."""

    name: str
    title: str
    parts: list[Part]
    draw: figures.Draw = figures.draw_tables
    is_figure: bool = False  # whether the picture shows the first part, and the text the others alone
    scores: bool = True  # whether it says how good clusterings are

    @property
    def scorings(self) -> list[Scoring]:
        """All its pieces of work, each once."""
        return list({scoring.name: scoring for part in self.parts for scoring in part.scorings}.values())

    @property
    def written(self) -> list[Part]:
        """What stands in the text."""
        return self.parts[1:] if self.is_figure else self.parts
