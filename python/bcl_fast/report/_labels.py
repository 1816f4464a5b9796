"""What clusters are called in other tools, and what labels that were corrected there come to as edits."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np

from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Names
from bcl_fast.errors import InputError
from bcl_fast.results import ClusteringResult
from bcl_fast.tracks import Edits, Person
from bcl_fast.tracks._names import track_name

NO_FACE = "not a face"
_UNNAMED = re.compile(r"cluster -?\d+")


def labels_of(result: ClusteringResult) -> Names:
    """Return what each row is called: its cluster's name or number, ``not a face``, or ``""`` in no cluster."""
    numbers = [f"cluster {cluster}" if cluster >= 0 else "" for cluster in result.cluster_ids.tolist()]
    names = [""] * len(numbers) if result.names is None else result.names.tolist()
    labels = np.array([name or number for name, number in zip(names, numbers, strict=True)], dtype=object)
    if result.not_a_face is not None:
        labels[result.not_a_face] = NO_FACE
    return labels


def edits_of_labels(result: ClusteringResult, labels: dict[int, str], called: str) -> Edits:
    """Return the edits that make a result what another tool says.

    Parameters
    ----------
    result : ClusteringResult
    labels : dict of int to str
        What rows are called now; of other rows nothing is said. A label of a number, as `labels_of` gives it, is no
        name; an empty one says nothing.
    called : str
        Where they are from, for messages.

    Returns
    -------
    edits : Edits
        People whose tracks or names are others than in the result; those who were one cluster are apart.

    Raises
    ------
    InputError
        If no row of the result has a label there.
    """
    before = labels_of(result)
    known = {row: label.strip() for row, label in labels.items() if label.strip()}
    if not known:
        raise InputError(f"{called} must label tracks of the result, got none of them")
    members: dict[str, list[int]] = defaultdict(list)
    for row in sorted(known):
        members[known[row]].append(row)
    no_faces = members.pop(NO_FACE, [])
    of_before: dict[str, set[int]] = defaultdict(set)
    for row, label in enumerate(before.tolist()):
        of_before[label].add(row)
    changed = {label: rows for label, rows in members.items() if not _is_as_it_was(label, rows, of_before, known)}
    people = tuple(
        Person(tuple(_track(result, row) for row in rows), None if _UNNAMED.fullmatch(label) else label)
        for label, rows in changed.items()
    )
    marked = [row for row in no_faces if before[row] != NO_FACE]
    return Edits(people, _apart(result, list(changed.values())), tuple(_track(result, row) for row in marked))


def _is_as_it_was(label: str, rows: list[int], of_before: dict[str, set[int]], known: dict[int, str]) -> bool:
    """Whether a label has the rows that it had, but for those of which nothing is said."""
    return {row for row in of_before.get(label, set()) if row in known} == set(rows)


def _track(result: ClusteringResult, row: int) -> tuple[str, str]:
    return str(result.video_ids[row]), str(result.track_ids[row])


def _apart(result: ClusteringResult, groups: list[list[int]]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of groups that share a cluster of the result."""
    holders: dict[int, set[int]] = defaultdict(set)
    for place, rows in enumerate(groups):
        for cluster in result.cluster_ids[rows].tolist():
            if cluster >= 0:
                holders[cluster].add(place)
    pairs = {(one, other) for places in holders.values() for one in places for other in places if one < other}
    return tuple(sorted(pairs))


def one_label(labels: dict[int, str], row: int, label: str, result: ClusteringResult, called: str) -> None:
    """Keep the label of a row.

    Raises
    ------
    InputError
        If it has another already: the message names both.
    """
    if label and labels.setdefault(row, label) != label:
        both = f"{one_line(repr(labels[row]))} and {one_line(repr(label))}"
        name = track_name(result.track_ids[row], result.video_ids[row])
        raise InputError(f"{called} must give each track one label, got {both} for {name}")
