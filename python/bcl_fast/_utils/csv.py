"""CSV: read as users write it, written for programs and for terminals."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from bcl_fast._utils.escape import as_printable
from bcl_fast._utils.files import check_is_file
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError


def csv_rows(path: PathLike, what: str, *, stripped: bool, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV file, empty ones left out: the number of the line, counted from 1, and its cells.

    Parameters
    ----------
    path : path-like
    what : str
        What the file is called in errors, such as ``"file of pairs"``.
    stripped : bool
        Whether spaces around cells are left out, as suits what people write by hand.
    delimiter : str, default ","
        What stands between cells.

    Raises
    ------
    InputError
        If the file is missing, or not CSV in UTF-8 (with or without a byte order mark).
    """
    file = check_is_file(path, what)
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, skipinitialspace=stripped, delimiter=delimiter)
            for row in reader:
                if row:
                    yield reader.line_num, [cell.strip() for cell in row] if stripped else row
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{Path(path)} must be CSV in UTF-8 ({one_line(error)})") from None


def write_csv(file: IO[str], header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows as they are; on a terminal, where nobody parses them, with text that it shows and does not obey."""
    minimal = csv.writer(file, lineterminator="\n")
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    minimal.writerow(header)
    spelled = as_printable if file.isatty() else None
    for row in rows:
        cells = [spelled(cell) for cell in row] if spelled else list(row)
        # Before Python 3.13, the minimum leaves out a carriage return, at which readers begin a line.
        carriage_return = any(type(cell) is str and "\r" in cell for cell in cells)
        (quoted if carriage_return else minimal).writerow(cells)
