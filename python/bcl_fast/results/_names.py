"""Names of clusters: kept in a result, read from a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.results._result import ClusteringResult


def names_of(old: ClusteringResult, result: ClusteringResult) -> NDArray[np.str_] | None:
    if old.names is None:
        return None
    return named(result.cluster_ids, cluster_names(old))


def named(cluster_ids: Integers, names: Mapping[int, str]) -> NDArray[np.str_]:
    return np.array([names.get(cluster, "") for cluster in cluster_ids.tolist()], dtype=np.str_)


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
            raise InputError(f"a cluster must have one name, got {names[cluster]!r} and {name!r} for cluster {cluster}")
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
        raise InputError(f"names must be of clusters of the result, got one for cluster {unknown[0]}, which it lacks")
    return replace(result, names=named(result.cluster_ids, {**cluster_names(result), **names}))


def read_names(path: str | Path) -> dict[int, str]:
    """Read names of clusters from CSV with the columns ``cluster_id,name``.

    Raises
    ------
    InputError
        If the file is missing or not such a table, a number is not one, or a cluster has two names.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"the file of names {file} does not exist or is not a file")
    names: dict[int, str] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"cluster_id", "name"} <= set(rows.fieldnames or ()):
                raise InputError(
                    f"{file} must have the columns cluster_id,name, got {','.join(rows.fieldnames or ()) or 'nothing'}"
                )
            for number, row in enumerate(rows, start=2):
                cluster, name = (row["cluster_id"] or "").strip(), (row["name"] or "").strip()
                if not cluster.isdecimal():
                    raise InputError(f"line {number} of {file} must hold the number of a cluster, got {cluster!r}")
                if names.setdefault(int(cluster), name) != name:
                    raise InputError(f"line {number} of {file} gives cluster {cluster} a second name, {name!r}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} must be CSV in UTF-8 ({error})") from None
    return {cluster: name for cluster, name in names.items() if name}
