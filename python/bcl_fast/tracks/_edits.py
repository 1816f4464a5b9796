"""Decisions that were made by hand about tracks: who is one person and what they are called, who is two, what is none.

They are about tracks and not about clusters, so that they hold for every later clustering of these tracks, by whatever
threshold and among whatever other tracks. `bcl_fast.tracks.read_edits` has the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.text import one_line
from bcl_fast._utils.types import Integers, Names
from bcl_fast.errors import InputError
from bcl_fast.tracks._names import track_name
from bcl_fast.tracks._pairs import NO_PAIRS, TrackPairs, sorted_pairs
from bcl_fast.tracks._track_set import TrackSet

Track = tuple[str, str]  # video, track


class Person(NamedTuple):
    """Tracks of one person, each a pair of the names of its video and of itself.

    A person called ``""`` has no name, also where a cluster of the tracks had one; None says nothing of it.
    """

    tracks: tuple[Track, ...]
    name: str | None = None


class MovedThreshold(NamedTuple):
    """Where a user has put the threshold, a squared distance, and the clusters that this changed, by their tracks."""

    distance_threshold: float
    clusters: tuple[tuple[Track, ...], ...] = ()


@dataclass(frozen=True)
class Edits:
    """Decisions by hand about tracks.

    Attributes
    ----------
    people : tuple of Person
        No track is in two of them, and no name either.
    apart : tuple of (int, int)
        Indices of people who are two.
    not_a_face : tuple of (str, str)
        Video and track of what the detector took for a face.
    threshold : MovedThreshold or None
        Not about who is who, and so no constraint of a later clustering.
    history : dict
        What the page did one after the other, so that it can be undone; nothing else reads it.

    Examples
    --------
    >>> from bcl_fast.tracks import Edits, Person
    >>> edits = Edits(people=(Person((("ep1", "3"), ("ep1", "7")), "Ann"), Person((("ep1", "4"),))), apart=((0, 1),))
    >>> edits.people[0].name
    'Ann'
    """

    people: tuple[Person, ...] = ()
    apart: tuple[tuple[int, int], ...] = ()
    not_a_face: tuple[Track, ...] = ()
    threshold: MovedThreshold | None = None
    history: dict[str, Any] = field(default_factory=dict)

    @property
    def n_tracks(self) -> int:
        """Number of tracks that are spoken of."""
        return len(self.spoken_of())

    def spoken_of(self) -> set[Track]:
        """Return the tracks that anything is said of, each by its video and its name."""
        of_people = {track for person in self.people for track in person.tracks}
        of_clusters = {track for cluster in (self.threshold or UNMOVED).clusters for track in cluster}
        return of_people | of_clusters | set(self.not_a_face)

    def n_missing(self, tracks: Any) -> int:
        """Count the tracks that are spoken of and not among those given, or the rows of a result."""
        return len(self.spoken_of() - set(track_index(tracks)))

    def pairs(self, tracks: TrackSet) -> TrackPairs:
        """Return what is decided about tracks as pairs of their indices.

        All tracks of a person are linked to the first; of two people who are apart, or who have two names, one track
        each is kept from the other: the rest follows.
        """
        return self.pairs_of_names(tracks.video_ids, tracks.track_ids)

    def pairs_of_names(self, video_ids: Names, track_ids: Names) -> TrackPairs:
        """Return `pairs` of tracks that are given by their names, as the rows of a result are."""
        index = index_of_names(video_ids, track_ids)
        members = [[index[track] for track in person.tracks if track in index] for person in self.people]
        must_link = [(part[0], other) for part in members for other in part[1:]]
        named = [part[0] for part, person in zip(members, self.people, strict=True) if person.name and part]
        apart = [(members[one][0], members[other][0]) for one, other in self.apart if members[one] and members[other]]
        return TrackPairs(*(_as_pairs(pairs, len(index)) for pairs in (must_link, [*apart, *combinations(named, 2)])))

    def among(self, tracks: Any) -> Edits:
        """Keep what is said of the tracks given, or of the rows of a result."""
        index = track_index(tracks)
        members = [tuple(track for track in person.tracks if track in index) for person in self.people]
        place = np.cumsum([bool(part) for part in members]) - 1
        return replace(
            self,
            people=tuple(Person(part, one.name) for part, one in zip(members, self.people, strict=True) if part),
            apart=tuple((int(place[a]), int(place[b])) for a, b in self.apart if members[a] and members[b]),
            not_a_face=tuple(track for track in self.not_a_face if track in index),
            threshold=None
            if self.threshold is None
            else self.threshold._replace(
                clusters=tuple(
                    tuple(track for track in cluster if track in index) for cluster in self.threshold.clusters
                )
            ),
        )

    def are_no_faces(self, tracks: TrackSet) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which tracks are no faces: mask of shape (n_tracks,)."""
        wrong = set(self.not_a_face)
        return np.array([track in wrong for track in track_index(tracks)], bool)


UNMOVED = MovedThreshold(0.0)


def track_index(tracks: Any) -> dict[Track, int]:
    """Return the place of each track, or row of a result, by its video and its name, in their order."""
    return index_of_names(tracks.video_ids, tracks.track_ids)


def index_of_names(video_ids: Names, track_ids: Names) -> dict[Track, int]:
    """Return `track_index` of tracks that are given by their names."""
    names = zip(video_ids.tolist(), track_ids.tolist(), strict=True)
    return {name: place for place, name in enumerate(names)}


def _as_pairs(pairs: Sequence[tuple[int, int]], n_tracks: int) -> Integers:
    return sorted_pairs(np.array(pairs, np.int64).reshape(-1, 2), n_tracks) if pairs else NO_PAIRS


def combine_edits(sources: Iterable[tuple[str, Edits]]) -> Edits:
    """Put decisions of several sources together: people who share a track or a name are one.

    Parameters
    ----------
    sources : iterable of (str, Edits)
        Each with the name that messages call it by. The threshold and the history are those of the last that has one.

    Raises
    ------
    InputError
        If two decisions contradict each other: one person with two names, or who is two people, or a track that is a
        person and no face. The sentence names both.
    """
    given = list(sources)
    people = [(source, person) for source, edits in given for person in edits.people]
    starts = np.cumsum([0, *(len(edits.people) for _, edits in given)])
    apart = [
        (source, int(start) + one, int(start) + other)
        for (source, edits), start in zip(given, starts, strict=False)
        for one, other in edits.apart
    ]
    group = linked_groups(_shared(people), len(people))
    merged = _merged(people, group)
    for source, one, other in apart:
        if group[one] == group[other]:
            raise InputError(
                f"{source} says that {_called(people, one)} and {_called(people, other)} are two people, but "
                f"{_reason(people, one, other)}"
            )
    not_a_face = {track: source for source, edits in given for track in edits.not_a_face}
    for source, person in people:
        wrong = next((track for track in person.tracks if track in not_a_face), None)
        if wrong is not None:
            who = f"is {one_line(repr(person.name))}" if person.name else "is a person"
            raise InputError(
                f"{not_a_face[wrong]} says that {track_name(wrong[1], wrong[0])} is no face, but {source} that it {who}"
            )
    pairs = dict.fromkeys((min(ends), max(ends)) for ends in ((int(group[a]), int(group[b])) for _, a, b in apart))
    thresholds = [edits.threshold for _, edits in given if edits.threshold is not None]
    histories = [edits.history for _, edits in given if edits.history]
    return Edits(
        merged,
        tuple(pairs),
        tuple(not_a_face),
        thresholds[-1] if thresholds else None,
        histories[-1] if histories else {},
    )


def _shared(people: list[tuple[str, Person]]) -> Integers:
    """Return the pairs of people, as they stand in their sources, who share a track or a name."""
    first: dict[Any, int] = {}
    pairs = []
    for place, (_, person) in enumerate(people):
        for key in (*person.tracks, *([person.name] if person.name else [])):
            if first.setdefault(key, place) != place:
                pairs.append((first[key], place))
    return np.array(pairs, np.int64).reshape(-1, 2)


def _merged(people: list[tuple[str, Person]], group: Integers) -> tuple[Person, ...]:
    tracks: list[dict[Track, None]] = [{} for _ in range(int(group.max(initial=-1)) + 1)]
    names: list[int | None] = [None] * len(tracks)
    for place, (_, person) in enumerate(people):
        number = int(group[place])
        tracks[number].update(dict.fromkeys(person.tracks))
        known = names[number]
        before = None if known is None else people[known][1].name
        if person.name and before and before != person.name:
            raise InputError(_two_names(people, known, place))
        if person.name or (before is None and person.name is not None):
            names[number] = place
    return tuple(
        Person(tuple(members), None if place is None else people[place][1].name)
        for members, place in zip(tracks, names, strict=True)
    )


def _two_names(people: list[tuple[str, Person]], one: int | None, other: int) -> str:
    assert one is not None
    both = f"{one_line(repr(people[one][1].name))} and {one_line(repr(people[other][1].name))}"
    files = people[one][0] if people[one][0] == people[other][0] else f"{people[one][0]} and {people[other][0]}"
    return f"a person must have one name, got {both} in {files}: {_reason(people, one, other)}"


def _called(people: list[tuple[str, Person]], place: int) -> str:
    person = people[place][1]
    first = track_name(person.tracks[0][1], person.tracks[0][0])
    return f"{one_line(repr(person.name))} ({first})" if person.name else f"the person of {first}"


def _reason(people: list[tuple[str, Person]], one: int, other: int) -> str:
    """Say why two entries are one person, by what they share if they do so themselves."""
    mine, theirs = people[one][1], people[other][1]
    if one == other:
        return "these are one entry"
    shared = next((track for track in mine.tracks if track in set(theirs.tracks)), None)
    if shared is not None:
        return f"{track_name(shared[1], shared[0])} is in both"
    if mine.name and mine.name == theirs.name:
        return "both have this name"
    return "other entries, with which they share tracks or names, make them one person"
