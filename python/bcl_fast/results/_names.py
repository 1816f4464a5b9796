"""Names of clusters: kept in a result, read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from bcl_fast._utils.csv import csv_rows
from bcl_fast._utils.text import brief, one_line
from bcl_fast._utils.types import Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.results._result import ClusteringResult

_MOST_DIGITS = 19  # of an int64


def names_of(old: ClusteringResult, result: ClusteringResult) -> Names | None:
    """Names of a result's rows, as those of the clusters of an older one; None where it has none."""
    if old.names is None:
        return None
    return named(result.cluster_ids, cluster_names(old))


def named(cluster_ids: Integers, names: Mapping[int, str]) -> Names:
    """Name of each row by its cluster, empty for a cluster without one."""
    return np.array([names.get(cluster, "") for cluster in cluster_ids.tolist()], dtype=object)


def cluster_names(result: ClusteringResult) -> dict[int, str]:
    """Names of the clusters that have one.

    Raises
    ------
    InputError
        If the rows of one cluster have different names.
    """
    names: dict[int, str] = {}
    if result.names is None:
        return names
    for cluster, name in zip(result.cluster_ids.tolist(), result.names.tolist(), strict=True):
        if names.setdefault(cluster, name) != name:
            both = f"{one_line(names[cluster])!r} and {one_line(name)!r}"
            raise InputError(f"a cluster must have one name, got {both} for cluster {cluster}")
    return {cluster: name for cluster, name in names.items() if name}


def name_clusters(result: ClusteringResult, names: Mapping[int, str]) -> ClusteringResult:
    """Give clusters names; those that have other names keep them.

    Raises
    ------
    InputError
        If there is no such cluster.
    """
    unknown = sorted(set(names) - set(result.cluster_ids.tolist()))
    if unknown:
        raise InputError(
            f"names must be of clusters of the result, got one for cluster {brief(unknown[0])}, which it lacks"
        )
    return replace(result, names=named(result.cluster_ids, {**cluster_names(result), **names}))


def read_names(path: str | Path) -> dict[int, str]:
    """Read names of clusters from CSV with the columns ``cluster_id,name``.

    Raises
    ------
    InputError
        If the file is missing or not such a table, a number is not one, or a cluster has two names.
    """
    file, rows = Path(path), csv_rows(path, "file of names", stripped=True)
    _, header = next(rows, (1, []))
    if not {"cluster_id", "name"} <= set(header):
        raise InputError(f"{file} must have the columns cluster_id,name, got {one_line(','.join(header)) or 'nothing'}")
    twice = next((name for name in ("cluster_id", "name") if header.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file} must have one column {twice!r}, got {header.count(twice)} of that name")
    names: dict[int, str] = {}
    for number, row in rows:
        cells = dict(zip(header, row, strict=False))  # a cluster without a name may end its line early
        cluster, name = cells.get("cluster_id", ""), cells.get("name", "")
        if not cluster.isdecimal() or len(cluster) > _MOST_DIGITS:
            raise InputError(f"line {number} of {file} must hold the number of a cluster, got {cluster[:40]!r}")
        if names.setdefault(int(cluster), name) != name:
            raise InputError(f"line {number} of {file} gives cluster {cluster} a second name, {one_line(name)!r}")
    return {cluster: name for cluster, name in names.items() if name}
