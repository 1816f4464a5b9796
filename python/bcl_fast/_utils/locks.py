"""Who is at work on a file: locks that end with their process, and what processes that were killed left behind."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError

PREFIX = ".bcl_fast-"  # of temporary files and locks
_OURS = re.compile(rf"{re.escape(PREFIX)}[0-9a-f]{{16}}\.(tmp|lock)")
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some network file systems


@contextmanager
def only_writer(*paths: PathLike | None) -> Iterator[None]:
    """Hold files that are written over a long time, such as checkpoints, so that no other process writes them.

    A lock lies beside its file and is removed at the end; the system frees it with the process, however that ends.
    Devices and pipes are not held.

    Raises
    ------
    InputError
        If another process, or another call in this one, holds a file.
    """
    targets = {Path(os.path.realpath(path)) for path in paths if path is not None and not is_stream(path)}
    with ExitStack() as held:
        for target in sorted(targets):
            held.enter_context(_held(target))
        yield


def is_stream(path: PathLike) -> bool:
    """Whether there is a device or a pipe at ``path``, which is written through and never replaced."""
    with suppress(OSError, ValueError):
        mode = os.stat(path).st_mode
        return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)
    return False


@contextmanager
def _held(target: Path) -> Iterator[None]:
    lock = target.with_name(f"{PREFIX}{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.lock")
    while True:
        file = _open_lock(lock)
        try:
            locked = _lock(file, where_unsupported=True)
            if not locked:
                holder = os.read(file, 20).decode(errors="replace").strip()
                raise InputError(
                    f"{target} is being written by another run{f' (process {holder})' if holder else ''}: "
                    "wait for its end, or choose another name"
                )
            if not _is_at(lock, file):  # its holder removed it between our opening and our locking it
                continue
            with suppress(OSError):  # a full disk, or a lock that somebody else left
                os.ftruncate(file, 0)
                os.write(file, str(os.getpid()).encode())
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)  # while it is held: whoever opened it meanwhile sees that it is gone
            return
        finally:
            os.close(file)


def _open_lock(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    except PermissionError:  # another user's, who was killed perhaps: to lock it, it need not be written
        return os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Make a folder for files on their way to ``target``; it is removed at the end, or by `remove_leftovers`."""
    folder, file = _new_folder_beside(target)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(file)


def _new_folder_beside(target: Path) -> tuple[Path, int]:
    """Make a folder and lock it, unless another process took it for a leftover in between."""
    while True:
        folder = target.with_name(f"{PREFIX}{secrets.token_hex(8)}.tmp")
        folder.mkdir(mode=0o700)
        with suppress(FileNotFoundError):
            file = os.open(folder, os.O_RDONLY)
            # Where folders cannot be locked, `remove_leftovers` cannot lock this one either, and leaves it alone.
            if _lock(file, where_unsupported=True) and _is_at(folder, file):
                return folder, file
            os.close(file)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and locks of processes that were killed; those of running ones are locked, and stay."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and not entry.is_symlink():
                with suppress(OSError):
                    _remove_if_dead(Path(entry.path))


def _remove_if_dead(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if _lock(file, where_unsupported=False) and _is_at(path, file):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    finally:
        os.close(file)


def _lock(file: int, *, where_unsupported: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in (*_NO_LOCKS_HERE, errno.EBADF):  # EBADF: NFS locks only what is open for writing
            return where_unsupported
        raise
    return True


def is_leftover(name: str) -> bool:
    """Whether a file of this name is a lock or a temporary folder."""
    return _OURS.fullmatch(name) is not None


def is_temporary(path: object) -> bool:
    """Whether a path is that of a temporary file, which nobody wants to read of."""
    return isinstance(path, str | os.PathLike) and any(part.startswith(PREFIX) for part in Path(path).parts)


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is still what lies at a path."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file))
    return False
