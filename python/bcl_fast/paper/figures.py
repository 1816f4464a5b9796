"""Pictures of a reproduction: a plot of each table, and the paper's Figures 4 to 6."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bcl_fast._utils.escape import as_picture_text
from bcl_fast._utils.files import atomic_output
from bcl_fast._utils.text import counted
from bcl_fast.paper.output import Record, Table

MOST_TILES = 40  # tracks of a cluster that Figure 6 shows
MOST_ROWS = 40  # clusters that it shows
GREY = "#9a9a9a"
PANELS = (("NMI",), ("WCP",), ("#Cl",), ("ours seconds", "plain seconds", "paper seconds"))  # measures of each

Series = tuple[str, Any, Any, list[tuple[float, float, int]]]  # label, colour, places, (mean, deviation, count)
Draw = Callable[[Sequence[Table], Sequence[Path]], None]


def _save(figure: Any, paths: Sequence[Path]) -> None:
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
    _save(figure, paths)


def _draw_panel(axes: Any, table: Table, names: tuple[str, ...]) -> None:
    rows, series = _layout(table, names)
    for label, colour, places, values in series:
        means, deviations = (np.array([value[i] for value in values]) for i in (0, 1))
        axes.errorbar(means, places, xerr=deviations, fmt="o", markersize=4.5, capsize=3, color=colour, label=label)
    axes.set_yticks(range(len(rows)), [as_picture_text(row) for row in rows], fontsize=8)
    axes.set(xlabel=names[0] if len(names) == 1 else "seconds", ylim=(len(rows) - 0.5, -0.5))
    axes.grid(axis="x", alpha=0.3)
    if names[0] in ("NMI", "WCP"):
        least = min(value[0] for *_, values in series for value in values)
        axes.set_xlim(min(0.5, max(0, least - 0.05)) - 0.01, 1.01)
    if names[0] == "#Cl" and "#Ch" in table.measures:
        _draw_people(axes, table, len(rows))
    if len(names) > 1:
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
        dots = [[values[name] for values in averaged.values()] for name in names]
        return rows, [(name, palette[n], np.arange(len(rows)), dots[n]) for n, name in enumerate(names)]
    place = table.keys.index(table.columns_are)
    methods = list(dict.fromkeys(keys[:place] + keys[place + 1 :] for keys in averaged))
    series = []
    for n, method in enumerate(methods):
        own = {str(keys[place]): v for keys, v in averaged.items() if keys[:place] + keys[place + 1 :] == method}
        shift = 0.7 * ((n + 0.5) / len(methods) - 0.5)
        places = np.array([rows.index(row) + shift for row in own])
        series.append((", ".join(map(str, method)), palette[n % 10], places, [v[names[0]] for v in own.values()]))
    return rows, series


def _draw_people(axes: Any, table: Table, n_rows: int) -> None:
    """Mark the true number of people of each row."""
    place = table.keys.index(table.columns_are) if table.columns_are else None
    of_row = {keys if place is None else keys[place]: values["#Ch"][0] for keys, values in table.averaged().items()}
    rows = np.arange(n_rows)
    axes.vlines(list(of_row.values()), rows - 0.4, rows + 0.4, color="black", linewidth=1, label="people")


def draw_tracks_per_identity(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 4: how many tracks each person has, from the most seen on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for split in ("train", "val", "test"):
        rows = [r for r in tables[0].records if r["split"] == split and r["repeat"] == 0]
        axes.plot([r["rank"] for r in rows], [r["tracks"] for r in rows], label=f"{split}: {len(rows)} people")
    axes.set(xscale="log", yscale="log", xlabel="people, from the most seen to the least", ylabel="tracks")
    axes.legend()
    axes.grid(alpha=0.3)
    _save(figure, paths)


def draw_curves(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 5: NMI and WCP against the number of clusters, and where each loss stops."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    records = tables[0].records
    methods = list(dict.fromkeys(record["method"] for record in records))
    figure = Figure(figsize=(12, 5), layout="constrained")
    for axes, measure in zip(figure.subplots(1, 2), ("NMI", "WCP"), strict=True):
        for colour, method in zip(colormaps["tab10"](range(len(methods))), methods, strict=True):
            _draw_curve(axes, [r for r in records if r["method"] == method], measure, colour)
        axes.axvline(records[0]["#Ch"], color="black", linewidth=0.8, linestyle="--")
        axes.set(xscale="log", xlabel="number of clusters (dashed: people; dots: where each stops)", ylabel=measure)
        axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    _save(figure, paths)


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


def draw_clusters(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 6: a strip per cluster, a tile per track: its face, or the colour of its person."""
    from matplotlib.figure import Figure

    records = [record for record in tables[0].records if record["repeat"] == 0]
    clusters: dict[int, list[Record]] = {}
    for record in records:
        clusters.setdefault(record["cluster"], []).append(record)
    strips = sorted(clusters.values(), key=len, reverse=True)
    colours = _colours_of_people(records)
    n_rows = min(MOST_ROWS, len(strips))
    figure = Figure(figsize=(14, 1.2 + 0.32 * n_rows), layout="constrained")
    axes = figure.subplots()
    for row, strip in enumerate(strips[:n_rows]):
        _draw_strip(axes, row, strip, colours)
    people = len(colours)
    rest = f", the largest {n_rows} shown" if n_rows < len(strips) else ""
    video = as_picture_text(records[0]["video"])
    axes.set_title(f"{video}: {len(records)} tracks of {people} people in {len(strips)} clusters{rest}")
    axes.set(xlim=(-0.6, MOST_TILES + 2), ylim=(n_rows - 0.4, -0.6), xticks=[], yticks=range(n_rows))
    axes.set_yticklabels([counted(len(strip), "track") for strip in strips[:n_rows]], fontsize=8)
    _save(figure, paths)


def _colours_of_people(records: list[Record]) -> dict[str, Any]:
    """Colours of the people seen most; grey for the others."""
    from matplotlib import colormaps

    counts: dict[str, int] = {}
    for record in records:
        counts[record["person"]] = counts.get(record["person"], 0) + 1
    order = sorted(counts, key=lambda person: -counts[person])
    palette = colormaps["tab20"](range(20))
    return {person: palette[place] if place < 20 else GREY for place, person in enumerate(order)}


def _draw_strip(axes: Any, row: int, strip: list[Record], colours: dict[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    of_person = {person: sum(r["person"] == person for r in strip) for person in {r["person"] for r in strip}}
    tiles = sorted(strip, key=lambda r: (-of_person[r["person"]], r["person"]))
    step = max(1, math.ceil(len(tiles) / MOST_TILES))  # of a long strip, every so many are shown
    for place, record in enumerate(tiles[::step]):
        image, colour = _read_image(record["image"]), colours[record["person"]]
        if image is not None:
            axes.imshow(image, extent=(place - 0.45, place + 0.45, row + 0.45, row - 0.45), aspect="auto", zorder=1)
        face = colour if image is None else "none"
        axes.add_patch(Rectangle((place - 0.45, row - 0.42), 0.9, 0.84, facecolor=face, edgecolor=colour, zorder=2))
    if step > 1:
        axes.text(MOST_TILES + 0.2, row, f"1 in {step}", va="center", fontsize=7)


def _read_image(path: str) -> Any | None:
    """Read the picture of a face; None where there is none that can be read."""
    from matplotlib.image import imread

    try:
        return imread(path) if path and Path(path).is_file() else None
    except (OSError, ValueError, SyntaxError):  # Pillow's words for a damaged one
        return None
