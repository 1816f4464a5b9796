"""Free memory, within the limits of control groups."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from bcl_fast._utils import memory
from bcl_fast._utils.memory import cgroup_memory_left, free_memory

V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def write_group(folder: Path, names: tuple[str, str, str], limit: object, used: int, cached: int | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    if cached is not None:
        (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {cached}\n")


def left(folder: Path, membership: str) -> int | None:
    (folder / "membership").write_text(membership)
    return cgroup_memory_left(folder, folder / "membership")


def test_a_container_sees_its_own_group_at_the_root(tmp_path):
    write_group(tmp_path, V2, 1000, 300)
    assert left(tmp_path, "0::/\n") == 700
    assert left(tmp_path, "0::/docker/of-the-host\n") == 700


def test_cached_files_are_free(tmp_path):
    write_group(tmp_path, V2, 1000, 950, 600)
    assert left(tmp_path, "0::/\n") == 650


def test_the_tightest_of_the_groups_around_counts(tmp_path):
    write_group(tmp_path / "user", V2, 1000, 900)
    write_group(tmp_path / "user" / "job", V2, 500, 100)
    write_group(tmp_path / "user" / "free", V2, "max", 100)
    write_group(tmp_path / "other", V2, 10, 9)
    assert left(tmp_path, "0::/user/job\n") == 100
    assert left(tmp_path, "0::/user/free\n") == 100


def test_the_older_hierarchy(tmp_path):
    write_group(tmp_path / "memory", V1, 1 << 62, 10)
    write_group(tmp_path / "memory" / "job", V1, 1000, 400, 50)
    assert left(tmp_path, "5:cpu,cpuacct:/\n4:memory:/job\n0::/\n") == 650


@pytest.mark.parametrize("limit", ["max", None])
def test_no_limit(tmp_path, limit):
    if limit:
        write_group(tmp_path, V2, limit, 10)
    assert left(tmp_path, "0::/\n") is None
    assert cgroup_memory_left(tmp_path, tmp_path / "missing") is None


def test_more_used_than_the_limit_leaves_nothing(tmp_path):
    write_group(tmp_path, V2, 100, 120)
    assert left(tmp_path, "0::/\n") == 0


@pytest.mark.parametrize(("of_group", "wanted"), [(None, 5000), (300, 300), (9000, 5000)])
def test_the_smaller_of_machine_and_group(monkeypatch, of_group, wanted):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 5000}))
    monkeypatch.setattr(memory, "cgroup_memory_left", lambda: of_group)
    assert free_memory() == wanted
