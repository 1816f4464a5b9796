"""Files written whole or not at all, with the rights that a new file has."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bcl_fast._utils.files import atomic_output, check_is_file
from bcl_fast.errors import InputError


def write(path: Path, text: str) -> None:
    with atomic_output(path) as temporary:
        temporary.write_text(text)


@pytest.mark.parametrize("umask", ["022", "077", "002"])
def test_rights_are_those_of_a_new_file(tmp_path, umask):
    code = (
        "import os, sys; from pathlib import Path; from bcl_fast._utils.files import atomic_output\n"
        "os.umask(int(sys.argv[1], 8)); Path('plain').touch()\n"
        "with atomic_output('written') as temporary:\n"
        "    temporary.unlink(); temporary.write_text('x'); temporary.chmod(0o600)\n"  # as a library may write it
    )
    subprocess.run([sys.executable, "-c", code, umask], cwd=tmp_path, check=True)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "written")}
    assert modes == dict.fromkeys(modes, 0o666 & ~int(umask, 8))


def test_the_umask_of_the_process_is_never_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("another thread would write files of other rights"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: write(tmp_path / f"file{i}.txt", str(i)), range(64)))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {f"file{i}.txt": str(i) for i in range(64)}


def test_many_writers_of_one_file_leave_one_of_theirs_and_nothing_else(tmp_path):
    def overwrite(i: int) -> None:
        with atomic_output(tmp_path / "file.txt", force=True) as temporary:
            temporary.write_text(str(i) * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(overwrite, range(10)))
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() in {str(i) * 1000 for i in range(10)}


def test_a_failure_leaves_what_was_there(tmp_path):
    write(tmp_path / "file.txt", "before")

    def fail() -> None:
        with atomic_output(tmp_path / "file.txt", force=True) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file.txt", "before")]


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"^the model .*none\.bin does not exist or is not a file$"):
        check_is_file(tmp_path / "none.bin", "model")
    with pytest.raises(InputError, match="does not exist or is not a file"):
        check_is_file(tmp_path, "model")
