"""Decisions by hand about tracks: their file, what they come to as pairs, and contradictions, which name both."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.tracks import (
    Edits,
    MovedThreshold,
    Person,
    TrackSet,
    collect_pairs,
    combine_edits,
    read_edits,
    write_edits,
)

HEAD = {"format": "bcl_fast.edits", "version": 1}
HOSTILE = [
    "</script><script>alert(1)</script>",
    "\u202ecod.exe",
    'a"b\\',
    "zwei\nZeilen",
    "__proto__",
    "\x1b[31m",
    "é😀",
]


def tracks() -> TrackSet:
    return TrackSet.from_arrays(np.eye(6), track_ids=list("abcabc"), video_ids=["v"] * 3 + ["w"] * 3)


def written(tmp_path, content):
    path = tmp_path / "edits.json"
    path.write_text(content if isinstance(content, str) else json.dumps({**HEAD, **content}))
    return path


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(lambda name: name.strip())


@given(st.lists(st.tuples(names, st.lists(names, min_size=1, max_size=4, unique=True)), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, people):
    path = tmp_path_factory.mktemp("edits") / "edits.json"
    named = {name.strip(): tracks for name, tracks in people}
    edits = Edits(
        tuple(
            Person(tuple((f"v{place}", track) for track in part), name)
            for place, (name, part) in enumerate(named.items())
        ),
        not_a_face=(("other", "x"),),
        threshold=MovedThreshold(0.25, ((("third", "y"),),)),
        history={"done": [{"kind": "name"}]},
    )
    write_edits(edits, path)
    assert read_edits(path) == edits


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_kept_as_they_are(tmp_path, name):
    edits = Edits((Person(((name, name),), name), Person(((name, "other"),))), ((0, 1),))
    write_edits(edits, tmp_path / "edits.json")
    assert read_edits(tmp_path / "edits.json") == edits


def test_people_and_who_is_apart_become_pairs():
    edits = Edits((Person((("v", "a"), ("w", "a"), ("v", "b"))), Person((("w", "b"),))), ((0, 1),))
    assert edits.pairs(tracks()).must_link.tolist() == [[0, 1], [0, 3]]
    assert edits.pairs(tracks()).cannot_link.tolist() == [[0, 4]]


def test_two_names_are_two_people():
    edits = Edits((Person((("v", "a"),), "Ann"), Person((("v", "b"),), "Bob"), Person((("v", "c"),))))
    assert edits.pairs(tracks()).cannot_link.tolist() == [[0, 1]]


def test_what_is_said_of_other_tracks_is_left_out():
    edits = Edits(
        (Person((("x", "a"), ("v", "b"))), Person((("x", "b"),))), ((0, 1),), not_a_face=(("v", "c"), ("x", "c"))
    )
    assert edits.n_missing(tracks()) == 3
    assert all(len(pairs) == 0 for pairs in edits.pairs(tracks()))
    assert edits.are_no_faces(tracks()).tolist() == [False, False, True, False, False, False]
    assert edits.among(tracks()) == Edits((Person((("v", "b"),)),), not_a_face=(("v", "c"),))


def test_sources_that_share_a_track_or_a_name_are_one_person():
    one = Edits((Person((("v", "a"), ("v", "b"))), Person((("v", "c"),), "Bob")))
    other = Edits((Person((("v", "b"), ("w", "a")), "Ann"), Person((("w", "c"),), "Bob")))
    both = combine_edits([("one", one), ("other", other)])
    assert both.people == (
        Person((("v", "a"), ("v", "b"), ("w", "a")), "Ann"),
        Person((("v", "c"), ("w", "c")), "Bob"),
    )


ANN, BOB = ({"name": name, "tracks": {"v": tracks}} for name, tracks in (("Ann", ["a", "b"]), ("Bob", ["b", "c"])))
TWO_NAMES = "a person must have one name, got 'Ann' and 'Bob' in {0}"
OTHERS = "other entries, with which they share tracks or names, make them one person"
CONTRADICTIONS = [
    (
        {"people": [ANN, BOB]},
        "a person must have one name, got 'Ann' and 'Bob' in {0}: track 'b' of video 'v' is in both",
    ),
    (
        {"people": [ANN, {"tracks": {"v": ["b", "c"]}}, {"name": "Bob", "tracks": {"v": ["c"]}}]},
        f"{TWO_NAMES}: {OTHERS}",
    ),
    (
        {"people": [ANN, {"tracks": {"v": ["c"]}}, {"tracks": {"v": ["c", "a"]}}], "apart": [[0, 1]]},
        "{0} says that 'Ann' (track 'a' of video 'v') and the person of track 'c' of video 'v' are two people, "
        f"but {OTHERS}",
    ),
    (
        {"people": [ANN, {"name": "Ann", "tracks": {"v": ["c"]}}], "apart": [[1, 0]]},
        "{0} says that 'Ann' (track 'c' of video 'v') and 'Ann' (track 'a' of video 'v') are two people, but both have "
        "this name",
    ),
    (
        {"people": [ANN], "not_a_face": {"v": ["b"]}},
        "{0} says that track 'b' of video 'v' is no face, but {0} that it is 'Ann'",
    ),
    (
        {"people": [ANN], "apart": [[0, 0]]},
        "{0} says that 'Ann' (track 'a' of video 'v') and 'Ann' (track 'a' of video 'v') are two people, but "
        "these are one entry",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), CONTRADICTIONS)
def test_a_contradiction_names_both(tmp_path, content, sentence):
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_edits(path)
    assert str(caught.value) == sentence.format(path)


def test_files_that_contradict_each_other_are_both_named(tmp_path):
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    write_edits(Edits((Person((("v", "a"),), "Ann"),)), one)
    write_edits(Edits((Person((("v", "a"),), "Bob"),)), other)
    with pytest.raises(
        InputError, match=r"got 'Ann' and 'Bob' in .*one\.json and .*other\.json: track 'a' of video 'v'"
    ):
        collect_pairs(tracks(), [str(one), str(other)])
    write_edits(Edits(not_a_face=(("v", "a"),)), other, force=True)
    with pytest.raises(
        InputError, match=r"other\.json says that track 'a' .* is no face, but .*one\.json that it is 'Ann'"
    ):
        collect_pairs(tracks(), [str(one), str(other)])
    (tmp_path / "pairs.csv").write_text("track_a,track_b,link,video_a,video_b\na,b,cannot,v,v\n")
    write_edits(Edits((Person((("v", "a"), ("v", "b"))),)), other, force=True)
    with pytest.raises(InputError, match="cannot of track 'a' of video 'v' and track 'b' of video 'v'"):
        collect_pairs(tracks(), [str(tmp_path / "pairs.csv"), str(other)])


BAD = [
    ("[]", "the file must be an object, got []"),
    ("{", "must be JSON"),
    ('{"format": "bcl_fast.edits", "version": 2}', '"version" must be 1'),
    ('{"format": "bcl_fast.edits", "version": true}', '"version" must be 1'),
    ('{"format": "x", "version": 1}', '"format" must be "bcl_fast.edits", got \'x\''),
    ('{"format": "x", "format": "y"}', "the key 'format' stands there twice"),
    ({"names": {}}, "the keys must be among format, version, people"),
    ({"people": {}}, '"people" must be a list, got {}'),
    ({"people": [3]}, "person 0 must be an object, got 3"),
    ({"people": [{"tracks": {}}]}, "person 0 must have at least one track, got none"),
    ({"people": [{"tracks": {"v": "ab"}}]}, "the tracks of person 0 must be lists of the names of tracks, got 'ab'"),
    ({"people": [{"tracks": {"v": [1]}}]}, "the tracks of person 0 must be lists of the names of tracks, got [1]"),
    ({"people": [{"tracks": {"v": ["a", "a"]}}]}, "must hold a track once, got 'a' of 'v' twice"),
    ({"people": [{"tracks": {"v": ["\ud800"]}}]}, "a track must be UTF-8 text"),
    ({"people": [{"name": 3, "tracks": {"v": ["a"]}}]}, "the name of person 0 must be text, got 3"),
    ({"people": [ANN], "apart": [[0, 1]]}, '"apart" must hold pairs of people, from 0 to 0, got [0, 1]'),
    ({"people": [ANN], "apart": [[0, False]]}, '"apart" must hold pairs of people'),
    ({"threshold": {"distance_threshold": -1}}, '"distance_threshold" must be a number of 0 or more, got -1'),
    ('{"format": "bcl_fast.edits", "version": 1, "threshold": {"distance_threshold": NaN}}', "NaN is no number"),
    (
        {"threshold": {"distance_threshold": 1, "clusters": [{"v": ["a"]}, {"v": ["a"]}]}},
        "clusters of the threshold must share no track, got 'a' in two of them",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), BAD, ids=range(len(BAD)))
def test_what_is_no_file_of_edits_is_a_sentence(tmp_path, content, sentence):
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_edits(path)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_are_not_replaced_unasked(tmp_path):
    write_edits(Edits(), tmp_path / "edits.json")
    with pytest.raises(InputError, match="exists already"):
        write_edits(Edits(), tmp_path / "edits.json")
    with pytest.raises(InputError, match=r"edits are written as \.json"):
        write_edits(Edits(), tmp_path / "edits.csv")
    with pytest.raises(InputError, match="are two people"):
        write_edits(Edits((Person((("v", "a"),)),), ((0, 0),)), tmp_path / "other.json")
    assert [path.name for path in tmp_path.iterdir()] == ["edits.json"]
