"""The paper's Figure 6: the clusters of a video, a tile per track."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bcl_fast._utils.colours import GREY, OF_PEOPLE, colour_of_person
from bcl_fast._utils.escape import as_picture_text
from bcl_fast._utils.text import counted
from bcl_fast.paper.figures import save
from bcl_fast.paper.output import Record, Table

MOST_TILES = 40  # tracks of a cluster that are shown
MOST_ROWS = 40  # clusters that are shown


def draw_clusters(tables: Sequence[Table], paths: Sequence[Path]) -> None:
    """Draw Figure 6: a strip per cluster, a tile per track: its face, or the colour of its person."""
    from matplotlib.figure import Figure

    records = [record for record in tables[0].records if record["repeat"] == 0]
    papers = [record for record in tables[1].records if "repeat" not in record]
    clusters: dict[int, list[Record]] = {}
    for record in records:
        clusters.setdefault(record["cluster"], []).append(record)
    strips = sorted(clusters.values(), key=len, reverse=True)
    people = [person for person, _ in Counter(record["person"] for record in records).most_common()]
    colours = {person: colour_of_person(rank) for rank, person in enumerate(people)}
    n_rows = min(MOST_ROWS, len(strips))
    figure = Figure(figsize=(14, 1.6 + 0.34 * n_rows), layout="constrained")  # tiles are about square
    axes = figure.subplots()
    for row, strip in enumerate(strips[:n_rows]):
        _draw_strip(axes, row, strip, colours)
    rest = f", the largest {n_rows} shown" if n_rows < len(strips) else ""
    video = as_picture_text(records[0]["video"])
    found = f"{video}: {len(records)} tracks of {len(people)} people in {len(strips)} clusters{rest}"
    axes.set_title(f"{found}\n{_what_the_paper_found(records[0]['video'], papers)}")
    _draw_names(axes, people)
    axes.set(xlim=(-0.6, MOST_TILES + 2), ylim=(n_rows - 0.4, -0.6), xticks=[], yticks=range(n_rows))
    axes.set_yticklabels([counted(len(strip), "track") for strip in strips[:n_rows]], fontsize=8)
    save(figure, paths)


def _what_the_paper_found(video: str, papers: Sequence[Record]) -> str:
    """Say how many clusters the paper finds in the same video, or in its own."""
    for record in papers:
        if record["video"] == video:
            return f"the paper: {record['#Ch']} people in {record['#Cl']} clusters, NMI {record['NMI']:.3f}"
    people, clusters = ([record[name] for record in papers] for name in ("#Ch", "#Cl"))
    return (
        f"the paper, in each of its {len(papers)} episodes (not these tracks): {min(people)} to {max(people)} people "
        f"in {min(clusters)} to {max(clusters)} clusters"
    )


def _draw_names(axes: Any, people: Sequence[str]) -> None:
    """Draw whose colour is whose."""
    from matplotlib.patches import Patch

    named = [
        Patch(facecolor=colour_of_person(rank), label=as_picture_text(person))
        for rank, person in enumerate(people[: len(OF_PEOPLE)])
    ]
    others = [Patch(facecolor=GREY, label=f"{len(people) - len(named)} others")] if len(people) > len(named) else []
    place = {"loc": "upper left", "bbox_to_anchor": (0, -0.01), "ncols": 7}
    axes.legend(handles=[*named, *others], fontsize=7, frameon=False, **place)


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
        axes.add_patch(
            Rectangle((place - 0.45, row - 0.42), 0.9, 0.84, facecolor=face, edgecolor=colour, lw=2, zorder=2)
        )
    if step > 1:
        axes.text(MOST_TILES + 0.2, row, f"1 in {step}", va="center", fontsize=7)


def _read_image(path: str) -> Any | None:
    """Read the picture of a face; None where there is none that can be read."""
    from matplotlib.image import imread

    try:
        return imread(path) if path and Path(path).is_file() else None
    except (OSError, ValueError, SyntaxError):  # Pillow's words for a damaged one
        return None
