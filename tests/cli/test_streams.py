"""Standard streams that are closed, full or of an encoding that lacks a character."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BCL_FAST = f'"{sys.executable}" -m bcl_fast'
pytestmark = pytest.mark.skipif(os.name == "nt", reason="redirections of a POSIX shell")


@pytest.fixture(scope="module")
def tracks(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("tracks") / "王\x1b[31m.npy"
    np.save(file, np.eye(3, dtype=np.float32))
    return file


def shell(command: str, tracks: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f"{BCL_FAST} {command}", "sh", str(tracks)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ('cluster "$1" --threshold 1 -o - >&-', b"Bad file descriptor"),
        ("info >&-", b"Bad file descriptor"),
        ("cluster - --threshold 1 -o new.csv <&-", b"standard input: cannot be read (Bad file descriptor)"),
        ("simulate --scale 0.001 -o - >&-", b"Bad file descriptor"),
        ('cluster "$1" --threshold 1 -o - >/dev/full', b"No space left on device"),
        ("info >/dev/full", b"No space left on device"),
    ],
)
def test_a_stream_that_cannot_be_used_is_a_sentence(tracks, tmp_path, command, sentence):
    done = shell(command, tracks, tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(b"error: ")
    assert last.endswith(sentence)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", ["<&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_work_that_wants_no_such_stream_is_done(tracks, tmp_path, closed):
    done = shell(f'cluster "$1" --threshold 1 -o new.csv {closed}', tracks, tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "new.csv").read_text().startswith("track_id,video_id,")
    assert b"Traceback" not in done.stderr


def test_messages_of_a_closed_standard_error_do_not_go_into_the_output(tracks, tmp_path):
    """The first file that is opened would get the number of the closed stream."""
    shell('cluster "$1" --threshold 1 -o new.csv', tracks, tmp_path)
    shell('cluster "$1" --threshold 1 -o same.csv <&- >&- 2>&-', tracks, tmp_path)
    assert (tmp_path / "same.csv").read_bytes() == (tmp_path / "new.csv").read_bytes()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_results_on_standard_output_are_utf_8(tracks, tmp_path, encoding):
    done = shell('cluster "$1" --threshold 1 -o -', tracks, tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0
    assert "王\x1b[31m".encode() in done.stdout  # what a program reads is as it is
