"""Whatever ends a command: a printable line on standard error and an exit code, a traceback with ``--debug`` alone."""

from __future__ import annotations

import errno
import threading
import warnings

import pytest

from bcl_fast.errors import InputError
from tests.helpers.cli import run

NASTY = "\x1b[31mred\x1b]0;title\x07\r\n\x9b2J\u202e[/b]"


def fails_with(monkeypatch, error: BaseException) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("bcl_fast.cli._info.describe_installation", fail)


FAILURES = [
    (InputError("features must be\n2-D"), "features must be 2-D"),
    (OSError(errno.ENOSPC, "No space left on device", "m.safetensors"), "m.safetensors: No space left on device"),
    (OSError(errno.ENOSPC, "No space left on device", b"m\xff"), "m\\xff: No space left on device"),
    (OSError("Couldn't deserialize thrift"), "Couldn't deserialize thrift"),
    (OSError(errno.EBADF, "Bad file descriptor", 7), "7: Bad file descriptor"),
    (RuntimeError("[enforce fail] can't allocate memory"), "there is not enough memory: [enforce fail] can't allocate"),
    (MemoryError(), "there is not enough memory"),
    (MemoryError("Unable to allocate 2.9 GiB"), "there is not enough memory: Unable to allocate 2.9 GiB"),
    (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion depth exceeded (this was"),
    (KeyError("x"), "KeyError: 'x' (this was not expected: --debug shows where it came from)"),
    (AssertionError(), "AssertionError (this was not expected"),
    (OverflowError("int too large"), "OverflowError: int too large (this was not expected"),
    (RuntimeError("first\nsecond"), "RuntimeError: first second (this was not expected"),
]


@pytest.mark.parametrize(("error", "sentence"), FAILURES)
def test_whatever_fails_is_one_sentence(monkeypatch, error, sentence):
    fails_with(monkeypatch, error)
    result = run("info")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {sentence}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("kind", [InputError, RuntimeError, OSError, MemoryError])
def test_what_an_error_says_does_not_act_on_the_terminal(monkeypatch, kind):
    fails_with(monkeypatch, kind(NASTY))
    for arguments in (["info"], ["info", "--debug"]):
        stderr = run(*arguments).stderr
        assert stderr.replace("\n", "").isprintable()
        assert "\\x1b[31mred\\x1b]0;title\\x07" in stderr


@pytest.mark.parametrize("arguments", [["--debug", "info"], ["info", "--debug"]])
def test_debug_shows_the_traceback_before_the_sentence(monkeypatch, arguments):
    fails_with(monkeypatch, ValueError("from below"))
    lines = run(*arguments).stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert any("in fail" in line for line in lines)
    assert lines[-1].startswith("error: ValueError: from below")


def test_ctrl_c_exits_with_130(monkeypatch):
    fails_with(monkeypatch, KeyboardInterrupt())
    result = run("info", "--debug")
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")


def test_a_warning_is_one_printable_line(monkeypatch):
    def warn() -> dict[str, str]:
        warnings.simplefilter("always")  # which the tests turn into errors
        warnings.warn(f"odd {NASTY}", stacklevel=1)
        return {}

    monkeypatch.setattr("bcl_fast.cli._info.describe_installation", warn)
    stderr = run("info").stderr
    assert stderr.startswith("warning: odd \\x1b[31mred")
    assert stderr.count("\n") == 1
    assert stderr.rstrip("\n").isprintable()


class Failing:
    """Fails at its end, where no caller is."""

    def __del__(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_what_fails_in_a_thread_or_at_the_end_of_an_object_is_a_sentence(monkeypatch):
    def fail_aside() -> dict[str, str]:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        Failing()
        return {"done": "yes"}

    monkeypatch.setattr("bcl_fast.cli._info.describe_installation", fail_aside)
    result = run("info")
    assert (result.exit_code, result.stdout.split()) == (0, ["done", "yes"])
    first, second = result.stderr.splitlines()
    assert first.startswith("warning: ZeroDivisionError: division by zero")
    assert second == "warning: No space left on device"


@pytest.mark.parametrize(
    "arguments",
    [
        [NASTY],
        ["info", NASTY],
        ["info", f"--{NASTY}"],
        ["cluster", "x.npy", "-o", "y.csv", "--threshold", "1", "--linkage", NASTY],
        ["suggest", "x.csv", "--format", NASTY],
        ["reproduce", NASTY],
    ],
)
def test_wrong_usage_is_told_without_what_it_would_do_to_the_terminal(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "\\x1b" in result.stderr
    assert result.stderr.replace("\n", "").isprintable()
