"""The file of decisions by hand: JSON that the page writes, and that people may write too.

::

    {"format": "bcl_fast.edits", "version": 1,
     "people": [{"name": "Ann", "tracks": {"ep1": ["3", "7"]}}, {"tracks": {"ep1": ["4"], "ep2": ["1"]}}],
     "apart": [[0, 1]],
     "not_a_face": {"ep1": ["9"]},
     "threshold": {"distance_threshold": 0.4, "clusters": [{"ep1": ["5", "6"]}]},
     "history": {...}}

Tracks are listed by video. A person without the key ``name`` keeps the one that clusters of the tracks had; with ``""``
they have none. All but the first two keys may be left out; ``history`` belongs to the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bcl_fast._utils.files import atomic_output, check_is_file, check_output
from bcl_fast._utils.text import brief, one_line
from bcl_fast._utils.types import PathLike
from bcl_fast.errors import InputError
from bcl_fast.tracks._edits import Edits, MovedThreshold, Person, Track, combine_edits
from bcl_fast.tracks._names import as_names

FORMAT, VERSION = "bcl_fast.edits", 1
SUFFIX = ".json"
_KEYS = ("format", "version", "people", "apart", "not_a_face", "threshold", "history")


def check_edits_output(path: PathLike, *, force: bool = False) -> None:
    """Check that decisions can be written to ``path``, before any work is done.

    Raises
    ------
    InputError
        If the name does not end in .json, the file exists and ``force`` is false, or its folder cannot be written to.
    """
    if Path(path).suffix.lower() != SUFFIX:
        raise InputError(f"edits are written as .json, got the name {path}")
    check_output(path, force=force)


def read_edits(path: PathLike) -> Edits:
    """Read decisions by hand from a file of the page, or of one's own; the module has the format.

    Raises
    ------
    InputError
        If the file is missing or not such a file, or decisions in it contradict each other: the message names both.
    """
    file = check_is_file(path, "file of edits")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} must be JSON in UTF-8 ({one_line(error)})") from None
    return parse_edits(text, str(file))


def parse_edits(text: str | bytes, called: str) -> Edits:
    """Return the decisions that a text of the format holds; ``called`` is what messages call it.

    Raises
    ------
    InputError
        As `read_edits`.
    """
    try:
        content = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        edits = _edits(content)
    except (ValueError, RecursionError) as error:  # InputError is a ValueError
        what = "hold edits" if isinstance(error, InputError) else "be JSON"
        raise InputError(f"{called} must {what} ({one_line(error)})") from None
    return combine_edits([(called, edits)])


def write_edits(edits: Edits, path: PathLike, *, force: bool = False) -> None:
    """Write decisions by hand to a ``.json`` file, which `read_edits` reads.

    Raises
    ------
    InputError
        As `check_edits_output`, or as `combine_edits` for decisions that contradict each other.
    """
    check_edits_output(path, force=force)
    text = edits_text(combine_edits([("the edits", edits)]))
    with atomic_output(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8")


def edits_text(edits: Edits) -> str:
    """Return decisions as JSON, the parts of them that there are."""
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    content["people"] = [
        {**({} if person.name is None else {"name": person.name}), "tracks": _by_video(person.tracks)}
        for person in edits.people
    ]
    content["apart"] = [list(pair) for pair in edits.apart]
    content["not_a_face"] = _by_video(edits.not_a_face)
    if edits.threshold is not None:
        clusters = [_by_video(cluster) for cluster in edits.threshold.clusters]
        content["threshold"] = {"distance_threshold": edits.threshold.distance_threshold, "clusters": clusters}
    content["history"] = edits.history
    return json.dumps({key: value for key, value in content.items() if value not in ([], {})}, ensure_ascii=False)


def _by_video(tracks: Iterable[Track]) -> dict[str, list[str]]:
    videos: dict[str, list[str]] = {}
    for video, track in tracks:
        videos.setdefault(video, []).append(track)
    return videos


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with two values for a key, of which JSON would keep the last in silence."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise InputError(f"the key {brief(next(key for key in keys if keys.count(key) > 1))} stands there twice")
    return content


def _no_number(text: str) -> float:
    raise InputError(f"{text} is no number")


def _edits(content: Any) -> Edits:
    found = _object(content, "the file")
    if found.get("format") != FORMAT:
        raise InputError(f'"format" must be "{FORMAT}", got {brief(found.get("format"))}')
    if type(found.get("version")) is not int or found["version"] != VERSION:
        raise InputError(
            f'"version" must be {VERSION}, the one that this version of bcl_fast reads, got '
            f"{brief(found.get('version'))}"
        )
    unknown = next((key for key in found if key not in _KEYS), None)
    if unknown is not None:
        raise InputError(f"the keys must be among {', '.join(_KEYS)}, got {brief(unknown)}")
    people = tuple(_person(person, place) for place, person in enumerate(_list(found, "people")))
    return Edits(
        people,
        tuple(_pair(pair, len(people)) for pair in _list(found, "apart")),
        _tracks(found.get("not_a_face", {}), '"not_a_face"'),
        _threshold(found["threshold"]) if "threshold" in found else None,
        dict(_object(found.get("history", {}), '"history"')),
    )


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{what} must be an object, got {brief(value)}")
    return value


def _list(found: Mapping[str, Any], key: str) -> list[Any]:
    value = found.get(key, [])
    if not isinstance(value, list):
        raise InputError(f'"{key}" must be a list, got {brief(value)}')
    return value


def _person(value: Any, place: int) -> Person:
    what = f"person {place}"
    found = _object(value, what)
    unknown = next((key for key in found if key not in ("name", "tracks")), None)
    if unknown is not None:
        raise InputError(f"{what} must have the keys name and tracks, got {brief(unknown)}")
    name = found.get("name")
    if "name" in found and not isinstance(name, str):
        raise InputError(f"the name of {what} must be text, got {brief(name)}")
    tracks = _tracks(found.get("tracks", {}), f"the tracks of {what}")
    if not tracks:
        raise InputError(f"{what} must have at least one track, got none")
    return Person(tracks, None if name is None else str(as_names([name], "a name")[0]).strip())


def _tracks(value: Any, what: str) -> tuple[Track, ...]:
    tracks: list[Track] = []
    for video, names in _object(value, what).items():
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise InputError(f"{what} must be lists of the names of tracks, got {brief(names)} for {brief(video)}")
        tracks += [(video, name) for name in as_names(names, "a track").tolist()]
        as_names([video], "a video")
    if len(set(tracks)) < len(tracks):
        twice = next(track for track in tracks if tracks.count(track) > 1)
        raise InputError(f"{what} must hold a track once, got {brief(twice[1])} of {brief(twice[0])} twice")
    return tuple(tracks)


def _pair(value: Any, n_people: int) -> tuple[int, int]:
    whole = isinstance(value, list) and len(value) == 2 and all(type(place) is int for place in value)
    if not whole or not all(0 <= place < n_people for place in value):
        raise InputError(f'"apart" must hold pairs of people, from 0 to {n_people - 1}, got {brief(value)}')
    return value[0], value[1]


def _threshold(value: Any) -> MovedThreshold:
    found = _object(value, '"threshold"')
    distance = found.get("distance_threshold")
    if isinstance(distance, bool) or not isinstance(distance, int | float) or not 0 <= distance < float("inf"):
        raise InputError(f'"distance_threshold" must be a number of 0 or more, got {brief(distance)}')
    clusters = tuple(_tracks(cluster, "a cluster of the threshold") for cluster in _list(found, "clusters"))
    seen: set[Track] = set()
    for cluster in clusters:
        twice = next((track for track in cluster if track in seen), None)
        if twice is not None:
            raise InputError(f"clusters of the threshold must share no track, got {brief(twice[1])} in two of them")
        seen.update(cluster)
    return MovedThreshold(float(distance), clusters)
