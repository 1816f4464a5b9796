"""Reproductions that are stopped: no process goes on, nothing half-written stays, the next run takes over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bcl_fast._utils.locks import PREFIX, only_writer
from bcl_fast._utils.processes import in_processes
from bcl_fast.errors import InputError
from bcl_fast.paper.folder import claim_folder, held_folder, read_records, write_records
from tests.helpers.cli import refused, run
from tests.helpers.processes import killed_at_last


def wait_for_ever(temporary: Path) -> None:
    """Begin a piece of work, say so, and never end it."""
    temporary.mkdir()
    sys.stderr.write("waiting\n")
    sys.stderr.flush()
    signal.pause()


def end_at_once() -> None:
    os._exit(3)


def fail() -> None:
    raise InputError("this piece fails")


def start(*command: object, **options: object) -> subprocess.Popen[str]:
    """Start Python in a process group of its own, as a terminal does."""
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, *map(str, command)], stderr=subprocess.PIPE, text=True, start_new_session=True, **options
    )


WAITING = """
import sys; from pathlib import Path; from bcl_fast._utils.processes import in_processes
from tests.paper.test_processes import wait_for_ever
if __name__ == "__main__":
    try:
        list(in_processes([(name, wait_for_ever, (Path(sys.argv[1]) / name,)) for name in "abc"], 2))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
"""


@pytest.mark.parametrize("to", ["group", "one"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_run(tmp_path, number, to):
    (tmp_path / "waiting.py").write_text(WAITING)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])}
    with killed_at_last(start(tmp_path / "waiting.py", tmp_path, env=environment)) as process:
        assert process.stderr is not None
        assert [process.stderr.readline() for _ in range(2)] == 2 * ["waiting\n"]
        (os.killpg if to == "group" else os.kill)(process.pid, number)
        said = process.stderr.read()  # to its end: that of the last process that has it
    assert "Traceback" not in said  # of a killed run, Python itself speaks of semaphores
    assert said.startswith("interrupted\n" if number == signal.SIGINT else "")
    assert process.returncode == (0 if number == signal.SIGINT else -number)


def test_a_piece_that_fails_ends_the_others(tmp_path):
    with pytest.raises(InputError, match="this piece fails"):
        list(in_processes([("endless", wait_for_ever, (tmp_path / "a",)), ("failing", fail, ())], 2))
    with pytest.raises(InputError, match="a process was ended from outside"):
        list(in_processes([("endless", wait_for_ever, (tmp_path / "b",)), ("ending", end_at_once, ())], 2))


def test_ctrl_c_is_one_word_and_the_next_run_goes_on(tmp_path):
    command = ("reproduce", "table5", "-o", tmp_path / "paper", "--scale", 0.005, "--epochs", 1, "--repeats", 9)
    with killed_at_last(start("-m", "bcl_fast", *command, "--jobs", 2)) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[1/")
        os.killpg(process.pid, signal.SIGINT)
        said = process.stderr.read().splitlines()
    assert process.returncode == 130
    assert said[-1] == "interrupted"
    assert all(line.startswith("[") for line in said[:-1])
    assert not [path for path in (tmp_path / "paper").rglob("*") if path.name.startswith(PREFIX)]
    again = run(*command[:-1], 1, "--jobs", 1)
    assert again.exit_code == 0, again.output


# --- the folder


SETTINGS = {"scale": 0.1}


def test_a_folder_has_one_run(tmp_path):
    with held_folder(tmp_path / "paper"):
        claim_folder(tmp_path / "paper", SETTINGS)
        with only_writer(tmp_path / "other"):
            said = refused(tmp_path, "reproduce", "table1", "-o", tmp_path / "paper")
        assert "is being written by another run" in said


def test_a_run_that_made_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), held_folder(tmp_path / "paper"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [(), ("models",), ("models", "scores"), (f"{PREFIX}0123456789abcdef.tmp",)])
def test_what_a_killed_run_began_is_no_other_folder(tmp_path, written):
    for name in written:
        (tmp_path / name).mkdir()
    with held_folder(tmp_path):
        claim_folder(tmp_path, SETTINGS)
    assert {path.name for path in tmp_path.iterdir()} == {"models", "scores", "settings.json"}


LIMITED = """
import resource, sys; import bcl_fast._core; from bcl_fast.cli._app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
main()
"""


def test_a_full_disk_at_the_first_write_leaves_a_folder_for_the_next_run(tmp_path):
    command = ("reproduce", "table1", "-o", tmp_path / "paper", "--scale", 0.005, "--epochs", 1, "--jobs", 1)
    for n_bytes in (0, 100):  # not for the check, nor for the settings
        with start("-c", LIMITED, n_bytes, *command) as process:
            assert process.stderr is not None
            said = process.stderr.read().splitlines()
        assert process.returncode == 1, said
        assert said[-1].startswith("error: ")
        assert "File too large" in said[-1]
        assert not any("Traceback" in line for line in said)
        assert not [path for path in tmp_path.rglob("*") if path.name.startswith(PREFIX)]
    done = run(*command)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("damage", [b"\0", b"x" * 20])
def test_damaged_records_are_named(tmp_path, damage):
    file = tmp_path / "table5-bcl-0.json"
    write_records(file, [{"NMI": 0.25, "repeat": 0}])
    assert read_records(file) == [{"NMI": 0.25, "repeat": 0}]
    content = file.read_bytes()
    for damaged in (content.replace(b"0.25", b"0.75"), content[:-10], content[:30] + damage + content[30:], b"[]"):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match=r"table5-bcl-0\.json is damaged .*: remove it"):
            read_records(file)
