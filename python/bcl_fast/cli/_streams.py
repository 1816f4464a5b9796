"""The standard streams of the process: closed, full or of an encoding that lacks a character."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any, cast


def prepare_streams() -> None:
    """Give closed standard streams a place, and let no character of a name fail where it is shown.

    A descriptor that is closed would be the next file's, which messages then go into. Reading or writing a closed
    stream is an error as of any closed file, but for standard error, which is where errors are told.
    """
    modes = os.O_WRONLY, os.O_RDONLY, os.O_WRONLY  # the wrong way round for the first two, as GNU's programs do it
    for descriptor, mode in enumerate(modes):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # the lowest that is free: this one
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    if not sys.stdout.isatty():
        cast(Any, sys.stdout).reconfigure(encoding="utf-8")  # data are UTF-8, as in our files
    cast(Any, sys.stdout).reconfigure(errors="backslashreplace")


def flush(stream: Any) -> OSError | None:
    """Write what a stream holds back; return the error that this makes, after which nothing more is written."""
    try:
        stream.flush()
    except OSError as error:
        silence(stream)
        return error
    return None


def silence(stream: Any) -> None:
    """Let what is written to a stream vanish, with what it still holds: at its end Python would fail once more."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
