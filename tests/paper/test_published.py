"""The paper's own numbers: as printed, beside ours, and never taken for ours."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bcl_fast.paper import published
from bcl_fast.paper.tables import NAMES_OF_OUTPUTS, plan
from bcl_fast.training import Recipe

OUTPUTS = plan(Recipe.paper(), Recipe.paper(), 256, "simulated films")
DATA = Path(published.__file__).parent / "data"


def of_the_paper(name: str) -> list[dict[str, object]]:
    return [record for part in OUTPUTS[name].parts for record in part.of_the_paper if part.where(record)]


@pytest.mark.parametrize("name", [name for name in NAMES_OF_OUTPUTS if name != "losses-time"])
def test_every_output_has_rows_of_the_paper_and_says_so(name):
    records = of_the_paper(name)
    assert records
    assert all(str(record["source"]).startswith("the paper") for record in records)
    assert all("repeat" not in record for record in records)
    for part in OUTPUTS[name].parts:
        for record in filter(part.where, part.of_the_paper):
            assert set(part.keys) & set(record)
            assert set(part.measures) & set(record)


@pytest.mark.parametrize("name", ["table1", "table2", "table3", "table4"])
def test_tables_of_the_validation_videos_are_as_printed(name):
    with (DATA / f"{name}.csv").open() as lines:
        printed = list(csv.DictReader(lines))
    shown = of_the_paper(name)
    assert len(shown) == len(printed)
    for ours, row in zip(shown, printed, strict=True):
        assert f"{100 * ours['all NMI']:.2f}" == f"{float(row['nmi']):.2f}"
        assert f"{100 * ours['all WCP']:.2f}" == f"{float(row['wcp']):.2f}"
        assert (ours["all #Cl"], ours["all #Ch"]) == (int(row["clusters"]), 66)


def test_every_score_of_tables_5_and_6_is_shown():
    with (DATA / "table5.csv").open() as lines:
        scores = [row for row in csv.DictReader(lines) if row["measure"] in ("clusters", "nmi", "wcp")]
    shown = of_the_paper("table5")
    assert len(scores) == 3 * len(shown) == 3 * 7 * 15
    ball = {record["video"]: record for record in shown if record["method"] == "BCL"}
    assert {name: ball["bbt_s01e01"][name] for name in ("#Ch", "#Cl", "NMI", "WCP", "#T named")} == {
        "#Ch": 8, "#Cl": 7, "NMI": 0.9581, "WCP": 0.9863, "#T named": 647,
    }  # fmt: skip
    assert (ball["all"]["#Cl"], ball["bbt (6 videos)"]["NMI"]) == (116, 0.7322)
    assert len(of_the_paper("table6")) == 12 + 3  # the ablations stand in our Table 6 too
    together = [record for record in of_the_paper("table6") if record["method"] == "Prototypical"]
    assert {record["all NMI"] for record in together if "videos" not in record} == {0.668, 0.703}


def test_the_papers_test_videos_stand_in_one_table_with_ours():
    parts = {
        part.title: part
        for part in plan(Recipe.paper(), Recipe.paper(), 256, "the paper's test videos")["table5"].parts
    }
    assert "Of the paper, on its own videos" not in parts
    scores = {"#Ch": 8, "#Cl": 9, "NMI": 0.5, "WCP": 0.5}
    ours = {"video": "bbt_s01e01", "method": "BCL, 4 b", "own threshold": True, "repeat": 0, **scores}
    part = parts["Each loss at its own threshold"]
    records = {scoring.name: [] for scoring in part.scorings} | {"ball": [ours]}
    lines = part.table(records, "the paper's test videos").as_markdown().splitlines()
    rows = [[cell.strip() for cell in line.split("|")][1:] for line in lines if line.startswith("|")]
    assert rows[0][:5] == ["method", "source", "", "bbt\\_s01e01", "bbt\\_s01e02"]
    assert ["", "", "#Ch", "8", "6"] in [row[:5] for row in rows]
    assert ["BCL, 4 b", "ours, the paper's test videos", "#Cl", "9", ""] in [row[:5] for row in rows]
    assert ["BCL", "the paper, its test videos", "#Cl", "7", "8"] in [row[:5] for row in rows]


def test_seconds_are_those_of_section_5_2():
    assert published.seconds_per_epoch() == {
        "prototypical": 12.3, "contrastive": 15.5, "ldml": 15.5, "triplet": 50.8, "ball": 9.9,
    }  # fmt: skip


def test_the_bundled_numbers_are_the_shared_ones(shared_data):
    for path in sorted((shared_data / "published").glob("*.csv")):
        assert (DATA / path.name).read_bytes() == path.read_bytes()
