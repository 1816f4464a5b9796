"""No output is an input or another output, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcl_fast._utils.separate import TRACK_SUFFIXES, check_separate
from bcl_fast.errors import InputError
from bcl_fast.tracks._sources import TABLE_SUFFIXES


@pytest.mark.parametrize("output", ["in.parquet", "./in.parquet", "link.parquet", "hard.parquet", "folder/in.parquet"])
def test_an_output_that_is_an_input_is_refused_by_any_name(tmp_path, monkeypatch, output):
    monkeypatch.chdir(tmp_path)
    Path("in.parquet").touch()
    Path("link.parquet").symlink_to("in.parquet")
    Path("hard.parquet").hardlink_to("in.parquet")
    Path("folder").symlink_to(".")
    with pytest.raises(InputError, match="would overwrite the input"):
        check_separate([output], [None, "-", "other.parquet", "in.parquet"])
    check_separate(["new.parquet", None, "-"], ["in.parquet", "-"])


def test_folders_and_what_lies_in_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("films").mkdir()
    Path("films/day1.parquet").touch()
    Path("films/sub").mkdir()
    with pytest.raises(InputError, match="would overwrite the input films: choose another name"):
        check_separate(["films"], ["films"])
    for output in ("films/day1.parquet", "films/day2.CSV", "films/sub/day3.tsv"):
        with pytest.raises(InputError, match="would lie among the tracks of the input films and be read"):
            check_separate([output], ["films"])
    check_separate(["films/model.safetensors", "films2.csv"], ["films"])


def test_devices_are_no_files(tmp_path):
    check_separate(["/dev/null", "/dev/null"], ["/dev/null"])


def test_what_is_read_from_folders_is_all_that_is_read():
    assert set(TABLE_SUFFIXES) < set(TRACK_SUFFIXES)


@pytest.mark.parametrize("other", ["new.txt", "./new.txt", "folder/new.txt", "dangling"])
def test_two_outputs_that_are_one_file_are_refused(tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    Path("folder").symlink_to(".")
    Path("dangling").symlink_to("new.txt")
    with pytest.raises(InputError, match="two outputs are one file"):
        check_separate(["new.txt", None, other], [])
