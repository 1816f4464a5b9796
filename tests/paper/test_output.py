"""Tables of a reproduction: means over repeats, Markdown, CSV."""

from __future__ import annotations

import csv
import io
import re

import pytest

from bcl_fast.paper.output import Table, as_csv

RECORDS = [
    {"loss": "a", "video": "v", "repeat": 0, "#Cl": 4, "NMI": 0.5, "people": 9},
    {"loss": "a", "video": "v", "repeat": 1, "#Cl": 7, "NMI": 0.75, "people": 9},
    {"loss": "b|c", "video": "v", "repeat": 0, "#Cl": 1234, "NMI": 1.0, "people": 9},
    {"loss": "a", "video": "w", "repeat": 0, "#Cl": 2, "NMI": None, "people": 3},
]
MEASURES = {"people": ",d", "#Cl": ",d", "NMI": ".3f"}


def table(**options: object) -> Table:
    return Table("Some title", ("video", "loss"), MEASURES, RECORDS, **options)  # type: ignore[arg-type]


def lines(text: str) -> list[str]:
    """Lines that are not empty, without what makes columns equally wide."""
    return [re.sub("--+", "---", re.sub(" +", " ", line)) for line in text.splitlines() if line]


def test_means_and_deviations_by_hand():
    averaged = table().averaged()
    assert list(averaged) == [("v", "a"), ("v", "b|c"), ("w", "a")]
    assert averaged["v", "a"]["#Cl"] == (5.5, pytest.approx(3 / 2**0.5), 2)
    assert averaged["v", "b|c"]["NMI"] == (1.0, 0.0, 1)
    assert averaged["w", "a"]["NMI"][2] == 0


def test_markdown_has_a_row_for_each_key():
    assert lines(table(notes=["A note."]).as_markdown()) == [
        "### Some title",
        "| video | loss | people | #Cl | NMI |",
        "|---|---|---|---|---|",
        "| v | a | 9 | 5.5 ± 2.1 | 0.625 ± 0.177 |",
        "| v | b\\|c | 9 | 1,234 | 1.000 |",
        "| w | a | 3 | 2 | |",
        "A note.",
    ]


def test_wide_markdown_has_a_column_for_each_video_and_its_facts_first():
    assert lines(table(columns_are="video", facts=("people",)).as_markdown())[1:] == [
        "| loss | | v | w |",
        "|---|---|---|---|",
        "| | people | 9 | 3 |",
        "| a | #Cl | 5.5 ± 2.1 | 2 |",
        "| a | NMI | 0.625 ± 0.177 | |",
        "| b\\|c | #Cl | 1,234 | |",
        "| b\\|c | NMI | 1.000 | |",
    ]


def test_names_of_users_are_no_markup():
    record = {"k": "<b>a|b</b>\n[x](y)", "m": 1.0, "repeat": 0}
    text = Table("Names", ("k",), {"m": ".1f"}, [record]).as_markdown()
    assert text.splitlines()[-1].split() == ["|", "&lt;b&gt;a\\|b&lt;/b&gt;\\\\n\\[x\\](y)", "|", "1.0", "|"]


def test_csv_holds_every_repeat_unrounded():
    other = Table("Other", ("k",), {"m": ".1f"}, [{"k": "x", "m": 1 / 3, "repeat": 0, "unasked": 5}])
    rows = list(csv.DictReader(io.StringIO(as_csv([table(), other]))))
    assert list(rows[0]) == ["table", "video", "loss", "repeat", "people", "#Cl", "NMI", "k", "m"]
    assert [row["#Cl"] for row in rows] == ["4", "7", "1234", "2", ""]
    assert float(rows[-1]["m"]) == 1 / 3
    assert (rows[-1]["table"], rows[-1]["k"]) == ("Other", "x")
