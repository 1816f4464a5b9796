"""Files: what a user names is checked first, and nothing half-written stays behind."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bcl_fast._utils.locks import PREFIX, folder_beside, is_temporary, remove_leftovers
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError

_PROBE = bytes(4096)  # what a disk that is full, or a quota, does not take


def check_output(path: PathLike, *, force: bool = False) -> Path:
    """Check that ``path`` can be written, before any long work is done.

    Its folder is written to for a moment, and what killed runs left there is removed. A device or a pipe is written
    through, never replaced.

    Raises
    ------
    InputError
        If it exists and ``force`` is false, is a folder or read-only, its name is too long, or it lies in a folder that
        is missing or cannot be written to.
    """
    if not _check_target(path, force=force):
        _check_room(Path(os.path.realpath(path)).parent)
    return Path(path)


def _check_room(folder: Path) -> None:
    remove_leftovers(folder)
    try:
        with folder_beside(folder / "probe") as place:
            (place / "probe").write_bytes(_PROBE)
    except OSError as error:
        raise InputError(f"the output folder {folder} cannot be written to: {error.strerror}") from None


def _check_target(path: PathLike, *, force: bool) -> bool:
    """Check the name and what is there; return whether that is a device or a pipe."""
    target, folder = Path(path), Path(os.path.realpath(path)).parent
    try:
        if not folder.is_dir():
            raise InputError(f"the output folder {folder if target.is_symlink() else target.parent} does not exist")
        _check_length(target.name, folder)
        found = target.stat() if target.exists() else None
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the output {target} cannot be written: {getattr(error, 'strerror', error)}") from None
    if found is not None and not stat.S_ISREG(found.st_mode):
        return _check_stream(target, found.st_mode)
    if found is not None and not force:
        raise InputError(f"the output {target} exists already: choose another name or pass --force to replace it")
    if found is not None and not (found.st_mode & 0o222 and os.access(target, os.W_OK)):
        raise InputError(f"the output {target} is read-only: make it writable or choose another name")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the output folder {target.parent} is not writable")
    return False


def _check_length(name: str, folder: Path) -> None:
    longest = os.pathconf(folder, "PC_NAME_MAX")
    if len(os.fsencode(name)) > longest:
        raise InputError(f"the name of an output must have at most {longest} bytes, got {name}")


def _check_stream(target: Path, mode: int) -> bool:
    if stat.S_ISDIR(mode):
        raise InputError(f"the output must be a file, got the folder {target}")
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise InputError(f"the output must be a file, got the disk or socket {target}")
    if not os.access(target, os.W_OK):
        raise InputError(f"the output {target} is not writable")
    return True


@contextmanager
def atomic_output(path: PathLike, *, force: bool = False) -> Iterator[Path]:
    """Yield a temporary path of the same name that replaces ``path`` on success and is removed on failure.

    A file that is replaced passes on its mode and owner, and a link stays one: what it points to is replaced. Where a
    file has several names (hard links), the others keep the old content. When this returns, the new one is on the disk.

    Raises
    ------
    InputError
        As `check_output`.
    OSError
        If it cannot be written after all, as on a full disk; it names ``path``.
    """
    with naming(path):
        if _check_target(path, force=force):
            with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
                yield from _through(Path(path), Path(folder))
        else:
            yield from _replacing(Path(os.path.realpath(path)), Path(path).name)


@contextmanager
def naming(path: PathLike) -> Iterator[None]:
    """Name a file in the errors of the system about writing it, which name none or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and not is_temporary(error.filename):
            raise
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, reason, os.fspath(path)) from error


def _through(target: Path, folder: Path) -> Iterator[Path]:
    """Yield a file in a folder elsewhere, and copy it into a device or a pipe."""
    temporary = folder / target.name
    yield temporary
    with temporary.open("rb") as content, target.open("wb") as stream:
        shutil.copyfileobj(content, stream)


def _replacing(target: Path, name: str) -> Iterator[Path]:
    remove_leftovers(target.parent)
    with folder_beside(target) as folder:
        temporary = folder / name  # not the target's: it may be written by its suffix
        before = target.stat() if target.exists() else None
        mode = _make_empty(temporary, 0o666 if before is None else 0o600)
        yield temporary
        with temporary.open("ab") as file:
            _take_over(temporary, mode, before)
            os.fsync(file.fileno())
        temporary.replace(target)
    _sync_names(target.parent)


def _make_empty(file: Path, mode: int) -> int:
    """Make a file and return its rights, of which the system takes what the user's umask forbids.

    Asking for the umask means setting it, for all threads of the process.
    """
    os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    return stat.S_IMODE(file.stat().st_mode)


def _take_over(file: Path, mode: int, before: os.stat_result | None) -> None:
    """Give a new file the rights and the owner of the one it replaces; whoever wrote it may have made it anew."""
    if before is None:
        file.chmod(mode)
        return
    for owner in (before.st_uid, -1):  # only root gives files away, but one's own may go to any group one is in
        with suppress(PermissionError):
            os.chown(file, owner, before.st_gid)
            break
    mode = stat.S_IMODE(before.st_mode)
    if file.stat().st_gid != before.st_gid:  # what its group may is not for another one
        mode &= ~0o070 | (mode & 0o007) << 3
    file.chmod(mode)


def _sync_names(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def check_is_file(path: PathLike, what: str) -> Path:
    """Return the path of a file that is to be read; ``what`` it is called in errors, such as ``"model"``.

    Raises
    ------
    InputError
        If there is no such file.
    """
    file = Path(path)
    try:
        found = file.is_file()
    except OSError as error:
        raise InputError(f"the {what} {file} cannot be read: {error.strerror}") from None
    if not found:
        raise InputError(f"the {what} {file} does not exist or is not a file")
    return file


def check_folder(folder: Path, names: Iterable[str] = (), *, force: bool, parents: bool = False) -> None:
    """Check that files can be written into a folder, which may yet have to be made in an existing one.

    With ``parents``, the folders on the way to it are made too.

    Raises
    ------
    InputError
        As `check_output`, for the folder and for each of the names in it.
    """
    if os.path.isdir(folder):
        _check_room(folder)
        for name in names:
            _check_target(folder / name, force=force)
        return
    if os.path.lexists(folder):
        found = "the file" if os.path.exists(folder) else "a link to nothing,"
        raise InputError(f"the output must be a folder, got {found} {folder}")
    made = [folder]
    while parents and not os.path.lexists(made[-1].parent):
        made.append(made[-1].parent)
    check_output(made[-1])
    for name in (*(part.name for part in made), *names):
        _check_length(name, made[-1].parent)


@contextmanager
def atomic_outputs(folder: Path, names: Iterable[str], *, force: bool) -> Iterator[list[Path]]:
    """Yield a temporary path for each of several files in a folder; all are written, or none and no new folder."""
    new = not folder.is_dir()
    with naming(folder):
        folder.mkdir(exist_ok=True)
    try:
        with ExitStack() as outputs:
            yield [outputs.enter_context(atomic_output(folder / name, force=force)) for name in names]
    except BaseException:
        if new:
            with suppress(OSError):  # that it is not empty
                folder.rmdir()
        raise
