"""CSV: lines, cells, what is not CSV, and what is written for other programs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bcl_fast._utils.csv import csv_rows, write_csv
from bcl_fast.errors import InputError


def test_lines_keep_their_numbers_and_empty_ones_go(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfa, b\n\n"x\ny", " c "\r\n')
    assert list(csv_rows(tmp_path / "a.csv", "table", stripped=True)) == [(1, ["a", "b"]), (4, ["x\ny", "c"])]


def test_cells_as_they_are(tmp_path):
    (tmp_path / "a.csv").write_text('a, b ,"c"\n')
    assert list(csv_rows(tmp_path / "a.csv", "table", stripped=False)) == [(1, ["a", " b ", "c"])]


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "a.csv").touch()
    assert list(csv_rows(tmp_path / "a.csv", "table", stripped=True)) == []


@pytest.mark.parametrize(("content", "reason"), [(b"a,\xff\n", "utf-8"), (b"a," + b"x" * 200_000, "field larger")])
def test_what_is_not_csv_is_said(tmp_path, content, reason):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.csv must be CSV in UTF-8 \(.*{reason}"):
        list(csv_rows(tmp_path / "a.csv", "table", stripped=True))


def test_a_missing_file_is_named_as_the_caller_calls_it(tmp_path):
    with pytest.raises(InputError, match=r"^the file of pairs .*none\.csv does not exist"):
        list(csv_rows(tmp_path / "none.csv", "file of pairs", stripped=True))


@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.integers()), min_size=1))
@example([("a\rb", 1), ("c\n", 2), ("\r", 3), ('"', 4), ("", 5)])
def test_what_is_written_is_read(rows):
    file = io.StringIO(newline="")
    write_csv(file, ["name", "number"], rows)
    file.seek(0)
    assert list(csv.reader(file)) == [["name", "number"], *([name, str(number)] for name, number in rows)]


def test_only_what_wants_quotes_has_them():
    file = io.StringIO(newline="")
    write_csv(file, ["name", "number"], [("Ann", 1), ("Bob, Jr.", 0.5)])
    assert file.getvalue() == 'name,number\nAnn,1\n"Bob, Jr.",0.5\n'
