"""`bcl-fast apply`, and edits as constraints of `cluster` and `finetune`, over two episodes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bcl_fast.results import read_result
from bcl_fast.tracks import Edits, Person, TrackSet, write_edits, write_tracks
from tests.helpers.cli import refused, run
from tests.helpers.results import circle

THRESHOLD = ("--threshold", "0.1")


def ids(result):
    return dict(zip(zip(result.video_ids, result.track_ids, strict=True), result.cluster_ids.tolist(), strict=True))


@pytest.fixture
def folder(tmp_path):
    for video, degrees in (("ep1", (0, 2, 4, 60, 62, 120)), ("ep2", (1, 61, 121, 180))):
        points = TrackSet.from_arrays(circle(*degrees), track_ids=list("abcdef"[: len(degrees)]), video_ids=video)
        write_tracks(points, tmp_path / f"{video}.parquet")
    people = (Person((("ep1", "a"), ("ep1", "b"), ("ep1", "f")), "Ann"), Person((("ep1", "c"),)))
    write_edits(Edits(people, ((0, 1),), not_a_face=(("ep1", "e"),)), tmp_path / "edits.json")
    assert run("cluster", tmp_path / "ep1.parquet", *THRESHOLD, "-o", tmp_path / "one.parquet").exit_code == 0
    return tmp_path


def test_apply_then_update(folder):
    result = run("apply", folder / "one.parquet", folder / "edits.json", "-o", folder / "edited.parquet")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"6 tracks: 3 clusters, 1 named -> {folder / 'edited.parquet'}\n"
    arguments = ("cluster", folder / "ep2.parquet", *THRESHOLD, "-o")
    assert run(*arguments, folder / "two.parquet", "--update", folder / "edited.parquet").exit_code == 0
    edits = ("--constraints", folder / "edits.json")
    result = run(*arguments, folder / "three.parquet", "--update", folder / "one.parquet", *edits)
    assert result.exit_code == 0, result.output
    grown, other = read_result(folder / "two.parquet"), read_result(folder / "three.parquet")
    assert ids(grown) == ids(other)
    assert grown.names.tolist() == other.names.tolist()
    assert ids(grown)["ep1", "e"] == -1
    assert ids(grown)["ep1", "f"] == ids(grown)["ep1", "a"] != ids(grown)["ep1", "c"]


def test_edits_hold_when_everything_is_clustered_anew(folder):
    both = (folder / "ep1.parquet", folder / "ep2.parquet")
    result = run("cluster", *both, *THRESHOLD, "-o", folder / "r.csv", "--constraints", folder / "edits.json")
    assert result.exit_code == 0, result.output
    found = read_result(folder / "r.csv")
    assert ids(found)["ep1", "f"] == ids(found)["ep1", "a"] != ids(found)["ep1", "c"]
    assert ids(found)["ep1", "e"] == -1
    assert set(found.names) == {"Ann", ""}
    result = run("cluster", both[1], *THRESHOLD, "-o", folder / "s.csv", "--constraints", folder / "edits.json")
    assert result.exit_code == 0
    assert "5 tracks of the edits are not among these" in result.stderr


def test_bad_edits_are_a_sentence_and_write_nothing(folder):
    (folder / "bad.json").write_text(json.dumps({"format": "bcl_fast.edits", "version": 9}))
    for command in (
        ("apply", folder / "one.parquet", folder / "bad.json"),
        ("cluster", folder / "ep1.parquet", *THRESHOLD, "--constraints", folder / "bad.json"),
    ):
        assert '"version" must be 1' in refused(folder, *command, "-o", folder / "out.parquet")
    write_edits(Edits((Person((("ep1", "a"),), "Bob"),)), folder / "other.json")
    files = (folder / "edits.json", folder / "other.json")
    sentence = refused(folder, "apply", folder / "one.parquet", *files, "-o", folder / "out.parquet")
    assert sentence.startswith("a person must have one name, got 'Ann' and 'Bob' in ")
    sentence = refused(folder, "apply", folder / "one.parquet", files[0], "-o", folder / "one.parquet", "--force")
    assert "would overwrite the input" in sentence


def test_edits_are_pairs_to_finetune_on(tmp_path):
    from bcl_fast.models import load_model
    from tests.helpers.cli import films, write_good_files

    write_good_files(tmp_path)
    names = list(zip(films().video_ids.tolist(), films().track_ids.tolist(), strict=True))
    edits = Edits((Person((names[0], names[-1]), "Ann"), Person((names[1],), "Bob")), not_a_face=(names[2],))
    write_edits(edits, tmp_path / "edits.json")
    model, options = tmp_path / "good.safetensors", ("--rounds", "1", "--steps-per-round", "2")
    for name, more in (("plain", ()), ("edited", ("--constraints", "auto", "--constraints", tmp_path / "edits.json"))):
        output = tmp_path / f"{name}.safetensors"
        result = run("finetune", model, tmp_path / "good.parquet", "-o", output, *options, *more)
        assert result.exit_code == 0, result.output
    assert np.isfinite(load_model(tmp_path / "edited.safetensors").embed(films().features)).all()
