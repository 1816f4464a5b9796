"""Files written whole or not at all, with the rights that a new file has."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bcl_fast._utils.files import atomic_output, atomic_outputs, check_folder, check_is_file, check_output
from bcl_fast._utils.locks import only_writer
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


# --- what is there already


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_passes_on_its_mode(tmp_path, mode):
    write(tmp_path / "file.txt", "before")
    (tmp_path / "file.txt").chmod(mode)
    with atomic_output(tmp_path / "file.txt", force=True) as temporary:
        assert not stat.S_IMODE(temporary.stat().st_mode) & ~mode  # nobody may read it earlier than he may later
        temporary.unlink()
        temporary.write_text("after")
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_passes_on_its_owner(tmp_path):
    write(tmp_path / "file.txt", "before")
    os.chown(tmp_path / "file.txt", 12345, 23456)
    with atomic_output(tmp_path / "file.txt", force=True) as temporary:
        temporary.write_text("after")
    found = (tmp_path / "file.txt").stat()
    assert (found.st_uid, found.st_gid) == (12345, 23456)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_group_may_is_not_passed_on_to_another_group(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError

    write(tmp_path / "file.txt", "before")
    os.chown(tmp_path / "file.txt", -1, 23456)
    (tmp_path / "file.txt").chmod(0o664)
    monkeypatch.setattr(os, "chown", refuse)
    with atomic_output(tmp_path / "file.txt", force=True) as temporary:
        temporary.write_text("after")
    assert stat.S_IMODE((tmp_path / "file.txt").stat().st_mode) == 0o644


def test_what_a_link_points_to_is_replaced_not_the_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file.txt").write_text("before")
    (tmp_path / "link.txt").symlink_to(Path("there") / "file.txt")
    with atomic_output(tmp_path / "link.txt", force=True) as temporary:
        assert temporary.name == "link.txt"
        temporary.write_text("after")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "there" / "file.txt").read_text() == "after"


def test_a_read_only_file_is_refused_even_for_root(tmp_path):
    write(tmp_path / "file.txt", "before")
    (tmp_path / "file.txt").chmod(0o444)
    with pytest.raises(InputError, match=r"file\.txt is read-only"):
        check_output(tmp_path / "file.txt", force=True)


@pytest.mark.parametrize("force", [False, True])
def test_a_device_is_written_through(tmp_path, force):
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    with atomic_output(null, force=force) as temporary:
        temporary.write_text("gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert null.is_symlink()
    assert list(tmp_path.iterdir()) == [null]


def test_a_pipe_is_written_through(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")

    def give() -> None:
        with atomic_output(tmp_path / "pipe.txt", force=True) as temporary:
            temporary.write_text("through the pipe")

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(give)
        assert (tmp_path / "pipe.txt").read_text() == "through the pipe"
        done.result()
    assert stat.S_ISFIFO((tmp_path / "pipe.txt").stat().st_mode)


def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.raises(InputError, match="the output must be a file, got the disk or socket socket"):
            check_output("socket", force=True)


# --- checks before the work


def test_names_that_are_too_long_are_refused_and_the_longest_is_not(tmp_path):
    longest = tmp_path / ("n" * 255)
    check_output(longest)
    write(longest, "x")
    with pytest.raises(InputError, match="must have at most 255 bytes"):
        check_output(tmp_path / ("é" * 128))
    with pytest.raises(InputError, match="must have at most 255 bytes"):
        check_folder(tmp_path / "new", ["n" * 256], force=True)


def test_a_disk_that_is_full_is_noticed_before_the_work(tmp_path):
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "from bcl_fast._utils.files import check_output\n"
        "try: check_output('file.txt')\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.rstrip().endswith("cannot be written to: File too large")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_names_the_output(tmp_path):
    with pytest.raises(OSError, match=r"No space left on device.*file\.txt"), atomic_output(tmp_path / "file.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_file_is_not_named_in_errors(tmp_path):
    def write_a_file(name: str) -> None:
        with atomic_output(name, force=True) as temporary:
            (temporary.parent / "no" / "such").touch()

    for name in (tmp_path / "file.txt", "/dev/null"):
        with pytest.raises(FileNotFoundError) as caught:
            write_a_file(name)
        assert caught.value.filename == str(name)


def test_several_files_are_written_or_none_and_no_folder(tmp_path):
    def write_two(folder: Path, *, fail: bool) -> None:
        with atomic_outputs(folder, ["a.txt", "b.txt"], force=True) as (a, b):
            a.write_text("new")
            if fail:
                raise OSError(errno.ENOSPC, "No space left on device")
            b.write_text("new")

    with pytest.raises(OSError, match="No space"):
        write_two(tmp_path / "new", fail=True)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "a.txt", "before")
    with pytest.raises(OSError, match="No space"):
        write_two(tmp_path, fail=True)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "before")]
    write_two(tmp_path / "new", fail=False)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize("name", ["file", "/dev/null", "dangling", "n" * 300, "no/folder"])
def test_what_is_no_folder_and_cannot_become_one_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"must be a folder, got|at most 255 bytes|does not exist"):
        check_folder(Path(name), force=True)


def test_folders_on_the_way_to_one_may_be_made(tmp_path):
    (tmp_path / "file").touch()
    check_folder(tmp_path / "a" / "b" / "c", force=True, parents=True)
    for name, reason in (
        ("a/b/c", "does not exist"),
        ("file/b", "does not exist"),
        (f"{'n' * 300}/b", "at most 255 bytes"),
    ):
        with pytest.raises(InputError, match=reason):
            check_folder(tmp_path / name, force=True, parents=name != "a/b/c")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- files left by runs that were killed


@pytest.mark.parametrize("by", ["check", "write"])
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, by):
    code = (
        "import os; from bcl_fast._utils.files import atomic_output; from bcl_fast._utils.locks import only_writer\n"
        "with only_writer('file.txt'), atomic_output('file.txt') as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    assert killed.returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / ".bcl_fast-notes.tmp").touch()  # somebody else's
    if by == "check":
        check_output(tmp_path / "other.txt")
    else:
        write(tmp_path / "other.txt", "x")
    assert {path.name for path in tmp_path.iterdir()} - {"other.txt"} == {".bcl_fast-notes.tmp"}


def test_files_of_running_writers_stay(tmp_path):
    with only_writer(tmp_path / "file.txt"), atomic_output(tmp_path / "file.txt") as temporary:
        temporary.unlink()
        temporary.write_text("mine")
        check_output(tmp_path / "file.txt")
        assert temporary.read_text() == "mine"
    assert (tmp_path / "file.txt").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_file_has_one_writer(tmp_path):
    (tmp_path / "link").symlink_to("file")
    with only_writer(tmp_path / "file", None, "/dev/null"):
        code = "import sys; from bcl_fast._utils.locks import only_writer\nwith only_writer(sys.argv[1]): pass"
        for name, refused in (("file", True), ("link", True), ("other", False)):
            done = subprocess.run([sys.executable, "-c", code, name], cwd=tmp_path, capture_output=True, text=True)
            assert ("is being written by another run (process " in done.stderr) == refused
            assert done.returncode == refused
        with pytest.raises(InputError, match="is being written by another run"), only_writer(tmp_path / "file"):
            pass
    with only_writer(tmp_path / "file"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_lock_that_another_user_left_is_taken_over(tmp_path, monkeypatch):
    opened = os.open

    def theirs(path, flags, *mode):
        if flags & os.O_RDWR and str(path).endswith(".lock"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, flags, *mode)

    with only_writer(tmp_path / "file"):
        (name,) = os.listdir(tmp_path)
    (tmp_path / name).touch()
    monkeypatch.setattr(os, "open", theirs)
    with only_writer(tmp_path / "file"), pytest.raises(InputError, match="another run"), only_writer(tmp_path / "file"):
        pass
    assert list(tmp_path.iterdir()) == []
