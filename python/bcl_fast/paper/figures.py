"""Pictures of a reproduction: a plot of each table, and the paper's Figures 4 and 5.

The paper's own numbers are rings, ours are filled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.escape import as_picture_text
from bcl_fast._utils.files import atomic_output
from bcl_fast.paper.output import Record, Table
from bcl_fast.paper.published import THE_PAPER

PANELS = (  # measures of each
    ("NMI", "all NMI"),
    ("WCP", "all WCP"),
    ("#Cl", "all #Cl"),
    ("ours seconds", "plain seconds", "paper seconds"),
)

# Label, colour, places, (mean, deviation, count) of each dot, whether it is a ring.
Series = tuple[str, Any, Any, list[tuple[float, float, int]], Any]
Draw = Callable[[Sequence[Table], Sequence[Path]], None]


def save(figure: Any, paths: Sequence[Path]) -> None:
    """Write a picture in each form."""
    for path in paths:
        with atomic_output(path, force=True) as temporary:
            figure.savefig(temporary, dpi=110)


def draw_tables(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw each table as rows of dots, a panel per measure, with the standard deviation over the repeats."""
    from matplotlib.figure import Figure

    heights = [1.2 + (0.9 if table.columns_are else 0.26) * len(_row_names(table)) for table in tables]
    figure = Figure(figsize=(13, sum(heights) + 0.4), layout="constrained")
    for table, part in zip(
        tables, figure.subfigures(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0], strict=True
    ):
        part.suptitle(table.title, x=0.01, ha="left")
        panels = [names for names in PANELS if names[0] in table.measures]
        for axes, names in zip(part.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
            _draw_panel(axes, table, names)
        axes.legend(fontsize=8)  # of the last panel: the series are the same in all
    save(figure, paths)


def _draw_panel(axes: Any, table: Table, names: tuple[str, ...]) -> None:
    rows, series = _layout(table, names)
    for label, colour, places, values, is_ring in series:
        means, deviations = (np.array([value[i] for value in values]) for i in (0, 1))
        known = ~np.isnan(means)
        options = {"fmt": "o", "markersize": 4.5, "capsize": 3, "color": colour}
        for rings, own_label in ((False, label), (True, label if is_ring.all() else None)):
            own = known & (is_ring == rings)
            if own.any():
                face = {"markerfacecolor": "white"} if rings else {}
                axes.errorbar(means[own], places[own], xerr=deviations[own], label=own_label, **options, **face)
    axes.set_yticks(range(len(rows)), [as_picture_text(row) for row in rows], fontsize=8)
    axes.set(xlabel="seconds" if names[0] == "ours seconds" else names[0], ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    if names[0] in ("NMI", "WCP"):
        least = min(value[0] for _, _, _, values, _ in series for value in values if value[2])
        axes.set_xlim(min(0.5, max(0, least - 0.05)) - 0.01, 1.01)
    if names[0] == "#Cl" and "#Ch" in table.measures:
        _draw_people(axes, table, len(rows))
    counts = [value[0] for _, _, _, values, _ in series for value in values if value[2]]
    if names[0] == "ours seconds" or (names[0] == "#Cl" and max(counts) > 50 * min(counts)):
        axes.set_xscale("log")


def _row_names(table: Table) -> list[str]:
    keys = table.averaged()
    if not table.columns_are:
        return [", ".join(str(key) for key in own if key != "") for own in keys]
    return list(dict.fromkeys(str(own[table.keys.index(table.columns_are)]) for own in keys))


def _layout(table: Table, names: tuple[str, ...]) -> tuple[list[str], list[Series]]:
    """Names of the rows, and the dots: a series per measure, or per method where the table has a column per video."""
    from matplotlib import colormaps

    averaged, rows = table.averaged(), _row_names(table)
    palette = colormaps["tab10"](range(10))
    if not table.columns_are:
        rings, places = np.array([_is_of_the_paper(keys[-1]) for keys in averaged]), np.arange(len(rows))
        dots = {name: [values[name] for values in averaged.values()] for name in names if name in table.measures}
        return rows, [(_label(name), palette[n], places, own, rings) for n, (name, own) in enumerate(dots.items())]
    place = table.keys.index(table.columns_are)
    methods = list(dict.fromkeys(keys[:place] + keys[place + 1 :] for keys in averaged))
    series = []
    for n, method in enumerate(methods):
        own = {str(keys[place]): v for keys, v in averaged.items() if keys[:place] + keys[place + 1 :] == method}
        shift = 0.7 * ((n + 0.5) / len(methods) - 0.5)
        places = np.array([rows.index(row) + shift for row in own])
        rings = np.full(len(own), _is_of_the_paper(method[-1]))
        values = [v[names[0]] for v in own.values()]
        series.append((", ".join(map(str, method)), palette[n % 10], places, values, rings))
    return rows, series


def _label(measure: str) -> str:
    if measure.endswith("seconds"):
        return measure
    return "all videos together" if measure.startswith("all ") else "mean over videos"


def _is_of_the_paper(source: object) -> bool:
    return str(source).startswith(THE_PAPER)


def _draw_people(axes: Any, table: Table, n_rows: int) -> None:
    """Mark the true number of people of each row."""
    place = table.keys.index(table.columns_are) if table.columns_are else None
    of_row = {keys if place is None else keys[place]: values for keys, values in table.averaged().items()}
    for measure, label in (("#Ch", "people"), ("all #Ch", None)):
        if measure in table.measures:
            people, rows = np.array([values[measure][0] for values in of_row.values()]), np.arange(n_rows)
            axes.vlines(people, rows - 0.4, rows + 0.4, color="black", linewidth=1, label=label)


def draw_tracks_per_identity(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 4: how many tracks each person has, from the most seen on; the legend has the paper's numbers too."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    papers = {r["split"]: r["people"] for r in tables[1].records if _is_of_the_paper(r["source"])}
    for split in ("train", "val", "test"):
        rows = [r for r in tables[0].records if r["split"] == split and r["repeat"] == 0]
        axes.plot(
            [r["rank"] for r in rows],
            [r["tracks"] for r in rows],
            label=f"{split}: {len(rows):,} people ({THE_PAPER}: {papers[split]:,})",
        )
    axes.set(xscale="log", yscale="log", xlabel="people, from the most seen to the least", ylabel="tracks")
    axes.legend()
    axes.grid(alpha=0.3)
    save(figure, paths)


def draw_curves(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 5: NMI and WCP against the number of clusters, and where each loss stops, in the paper too."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    records = tables[0].records
    methods = list(dict.fromkeys(record["method"] for record in records))
    figure = Figure(figsize=(12, 5), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("NMI", "WCP"), strict=True):
        for colour, method in zip(colormaps["tab10"](range(len(methods))), methods, strict=True):
            _draw_curve(axes, [r for r in records if r["method"] == method], measure, colour)
            for stop in (r for r in tables[1].records if _is_of_the_paper(r["source"]) and r["method"] == method):
                axes.plot(stop["#Cl"], stop[measure], "o", color=colour, markerfacecolor="white")
        axes.axvline(records[0]["#Ch"], color="black", linewidth=0.8, linestyle="--")
        axes.set(
            xscale="log",
            xlabel="clusters (dashed: people; dots: where each stops; rings: in the paper)",
            ylabel=measure,
        )
        axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    save(figure, paths)


def _draw_curve(axes: Any, records: list[Record], measure: str, colour: Any) -> None:
    for repeat in sorted({record["repeat"] for record in records}):
        own = [r for r in records if r["repeat"] == repeat]
        line = [r for r in own if not r["operating point"]]
        label = own[0]["method"] if repeat == 0 else None
        axes.plot(
            [r["#Cl"] for r in line], [r[measure] for r in line], color=colour, label=label, alpha=0.9 if label else 0.3
        )
        stops = [r for r in own if r["operating point"]]
        axes.plot([r["#Cl"] for r in stops], [r[measure] for r in stops], "o", color=colour)
