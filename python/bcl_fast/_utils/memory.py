"""Memory that this process may still take: of the machine, and of its control group (a container, a batch job)."""

from __future__ import annotations

from pathlib import Path


def free_memory() -> int:
    """Bytes that can be had without swapping and without reaching the limit of a control group."""
    import psutil

    free = int(psutil.virtual_memory().available)
    left = cgroup_memory_left()
    return free if left is None else min(free, left)


def cgroup_memory_left(
    cgroups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int | None:
    """Bytes that the control groups of this process leave it, None where none has a limit.

    Pages of files that the kernel would give up first (``inactive_file``) count as free.

    Parameters
    ----------
    cgroups : Path
        Where the hierarchies are mounted.
    membership : Path
        Says which groups the process is in. In a container it may name a path of the host; then the container's own
        group is the one that is mounted.
    """
    found = []
    for line in _lines(membership):
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            files = cgroups, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            files = cgroups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        else:
            continue
        found += [left for folder in _up_to(files[0], group) if (left := _left(folder, *files[1:])) is not None]
    return min(found, default=None)


def _up_to(mount: Path, group: str) -> list[Path]:
    """Return the folders of a group and of those around it, each of which may set a limit."""
    folder = mount / group.lstrip("/")
    return [folder, *folder.parents[: len(folder.relative_to(mount).parts)]]


def _left(folder: Path, limit_file: str, usage_file: str, reclaimable: str) -> int | None:
    limit, usage = _lines(folder / limit_file), _lines(folder / usage_file)
    if not limit or not usage or limit[0] == "max":
        return None
    counts = dict(line.split(" ", 1) for line in _lines(folder / "memory.stat"))
    return max(0, int(limit[0]) - int(usage[0]) + int(counts.get(reclaimable, 0)))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except OSError:
        return []
