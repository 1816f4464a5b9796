"""What failures of commands look like: one sentence on standard error and an exit code, never a traceback.

Exit codes: 0; 1 for input that cannot be used, and for whatever else ends a command; 2 for wrong usage; 130 for Ctrl-C.
``--debug`` shows the traceback too.
"""

from __future__ import annotations

import io
import os
import re
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bcl_fast._utils.process_group import LostProcesses
from bcl_fast._utils.text import one_line
from bcl_fast.cli._console import say
from bcl_fast.cli._grouped_options import as_command, parameters_of
from bcl_fast.cli._processes import speaks_of_failure
from bcl_fast.cli._streams import flush
from bcl_fast.errors import InputError

_DEBUG = "bcl_fast.debug"  # key of what a context shares with those below it
_CTRL_C = 130
_NO_MEMORY = re.compile("can't allocate memory|out of memory", re.IGNORECASE)  # torch's words


def _remember(ctx: typer.Context, value: bool) -> bool:
    ctx.meta[_DEBUG] = ctx.meta.get(_DEBUG, False) or value
    return value


Debug = Annotated[
    bool, typer.Option("--debug", callback=_remember, is_eager=True, help="Show the traceback of what fails.")
]


def with_debug(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option ``--debug``, of which the guard hears and not the command."""
    option = Parameter("debug", Parameter.KEYWORD_ONLY, default=False, annotation=Debug)

    def without_option(*, debug: bool, **values: Any) -> None:
        command(**values)

    return as_command(without_option, command, [*parameters_of(command), option])


@contextmanager
def _in_sentences() -> Iterator[None]:
    """Say warnings, and what fails where nobody can catch it: in a thread of a library, at the end of an object."""

    def warn(failure: Any) -> None:
        if failure.exc_value is not None:
            say(f"warning: {describe_failure(failure.exc_value)}")

    hooks = threading.excepthook, sys.unraisablehook
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: say(f"warning: {message}")
        threading.excepthook = sys.unraisablehook = warn
        try:
            yield
        finally:
            threading.excepthook, sys.unraisablehook = hooks


class GuardedCommands(TyperGroup):
    """Commands whose failures are a sentence and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """Run a command and end the process: the one place that failures come to."""
        with _in_sentences():
            code = self._run(*arguments, **options)
        error = flush(sys.stdout)
        if error is not None and code == 0:
            code = 1
            if not isinstance(error, BrokenPipeError):  # who stopped reading knows
                say(f"error: standard output: {describe_failure(error)}")
        sys.exit(code)

    def _run(self, *arguments: Any, **options: Any) -> int:
        try:
            code = super().main(*arguments, **{**options, "standalone_mode": False}) or 0
        except typer.Abort:
            return 1
        except Exception as error:
            speaks, is_usage = speaks_of_failure(error), hasattr(error, "show")  # wrong usage the library words
            if is_usage and speaks:
                _show_usage(error)
            elif speaks:
                say(f"error: {describe_failure(error)}")
            return int(getattr(error, "exit_code", 1)) if is_usage else 1
        if code == _CTRL_C and speaks_of_failure():
            say("interrupted")
        return int(code)

    def invoke(self, ctx: Any) -> Any:
        """Run a command in its context, which knows whether tracebacks are wanted."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if ctx.meta.get(_DEBUG):
                for line in "".join(traceback.format_exception(error)).splitlines():
                    say(line)
            raise


def _show_usage(error: Any) -> None:
    shown = io.StringIO()
    error.show(file=shown)
    for line in shown.getvalue().splitlines():
        say(line)


def describe_failure(error: BaseException) -> str:
    """Say in one line why a command ended."""
    if isinstance(error, InputError | LostProcesses):
        return " ".join(str(error).split())
    what, name = one_line(error), type(error).__name__
    if isinstance(error, OSError):
        reason, file = error.strerror or what or name, error.filename
        file = os.fsdecode(file) if isinstance(file, bytes) else file
        return reason if file is None else f"{file}: {reason}"
    if isinstance(error, MemoryError) or _NO_MEMORY.search(what):
        return f"there is not enough memory{f': {what}' if what else ''}"
    return f"{name}{f': {what}' if what else ''} (this was not expected: --debug shows where it came from)"
