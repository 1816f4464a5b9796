"""A command in a process of its own that is stopped: by a signal, or by a disk that takes no more.

It is a fork of a process that has imported everything, so that its time goes into what it does.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

_HANG_SECONDS = 300
_AUDITED = {"open", "os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}


class Ended(NamedTuple):
    """How a command ended: its exit code or minus its signal, and what it said."""

    code: int
    said: str


@dataclass(frozen=True)
class Stop:
    """When a command is stopped, before an operation on files or after some seconds, and how: a signal, or a limit."""

    number: int = signal.SIGKILL
    operation: int | None = None
    seconds: float | None = None
    n_bytes: int | None = None

    def now(self) -> None:
        """Stop this process."""
        if self.n_bytes is None:
            os.kill(os.getpid(), self.number)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.n_bytes, resource.RLIM_INFINITY))


def run_command(arguments: Sequence[str], folder: Path, stop: Stop | None = None) -> Ended:
    """Run a command in a process of its own, to the end of the last process that it started."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads do not live on in it: nothing here has any
        child = os.fork()
    if child == 0:
        try:
            _be_command(arguments, folder, writing, stop)
        finally:
            os._exit(99)
    os.close(writing)
    said = _listen(reading, child, stop)
    return Ended(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said)


def _be_command(arguments: Sequence[str], folder: Path, writing: int, stop: Stop | None) -> None:
    """Become a command as a shell starts it: leader of its processes, with streams of its own."""
    from bcl_fast.cli._app import main

    os.setsid()
    os.chdir(folder)
    for stream in (1, 2):
        os.dup2(writing, stream)
    sys.stdout, sys.stderr = (open(stream, "w", closefd=False) for stream in (1, 2))  # noqa: SIM115
    sys.argv = ["bcl-fast", *arguments]
    _audit(folder, stop)
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 98
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def _audit(folder: Path, stop: Stop | None) -> None:
    """Count operations on files of a folder, tell their number where nothing is to stop, or stop before one."""
    done = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal done
        if event in _AUDITED and _is_below(arguments[0], folder):
            if stop is not None and done == stop.operation:
                stop.now()
            done += 1
            if stop is None:
                os.write(2, b"\0")

    sys.addaudithook(watch)


def _is_below(path: object, folder: Path) -> bool:
    return isinstance(path, str | os.PathLike) and Path(os.path.abspath(path)).is_relative_to(folder)


def _listen(reading: int, child: int, stop: Stop | None) -> str:
    """Read what a process says, and those that it started, to the end of the last one; stop it in between."""
    begin, said = time.monotonic(), b""
    kill_at = None if stop is None or stop.seconds is None else begin + stop.seconds
    with selectors.DefaultSelector() as selector, os.fdopen(reading, "rb", buffering=0) as pipe:
        selector.register(pipe, selectors.EVENT_READ)
        while time.monotonic() < begin + _HANG_SECONDS:
            if kill_at is not None and time.monotonic() >= kill_at:
                assert stop is not None
                os.kill(child, stop.number)
                kill_at = None
            if selector.select(1 if kill_at is None else max(0.0, kill_at - time.monotonic())):
                chunk = pipe.read(1 << 16)
                if not chunk:
                    return said.decode(errors="replace")
                said += chunk
    os.killpg(child, signal.SIGKILL)
    return f"{said.decode(errors='replace')}\na process went on for {_HANG_SECONDS} seconds"
