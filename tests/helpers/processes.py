"""Programs that a test starts: they end with it, and what they print is read to its end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

HANG_SECONDS = 600  # far beyond any machine: only a program that hangs is killed


@contextmanager
def killed_at_last(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Kill the program where the test fails or waits for ever, so that nothing is left running."""
    guard = threading.Timer(HANG_SECONDS, process.kill)
    guard.start()
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        guard.cancel()


def shown_on_a_terminal(
    command: Sequence[str], folder: Path, *, stream: Literal["stdout", "stderr"] = "stderr", code: int = 0
) -> str:
    """Run a command whose standard error, or another stream, is a terminal; return what the terminal was sent."""
    master, terminal = os.openpty()
    out, err = (terminal, None) if stream == "stdout" else (None, terminal)
    with subprocess.Popen(command, cwd=folder, stdout=out, stderr=err) as process:
        os.close(terminal)
        shown = b"".join(_chunks(master))
    os.close(master)
    assert process.returncode == code, shown
    return shown.decode()


def _chunks(master: int) -> Iterator[bytes]:
    # A terminal holds a few kilobytes: who reads it only at the end may wait for a program that waits to be read.
    while True:
        try:
            chunk = os.read(master, 1 << 16)
        except OSError:  # on Linux, the end
            return
        if not chunk:
            return
        yield chunk
