"""Some people are named, others are not: every reader takes that, and every user of labels says what it left out."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_fast.errors import InputError
from bcl_fast.evaluation import calibrate
from bcl_fast.models import EmbeddingModel
from bcl_fast.models._heads import make_head
from bcl_fast.tracks import TrackPairs, TrackSet, concatenate, read_tracks, write_tracks
from bcl_fast.training import Recipe, train
from tests.helpers.cli import QUICK, films, refused, run
from tests.helpers.tracks import assert_same, small


def partly(seed: int = 0, prefix: str = "film") -> TrackSet:
    tracks = films(seed=seed, prefix=prefix)
    assert tracks.labels is not None
    labels = tracks.labels.copy()
    labels[::3] = ""
    return TrackSet(**{**vars(tracks), "labels": labels})


def test_labelled_tracks() -> None:
    tracks = small(labels=["ann", None, "bob"])
    assert tracks.is_labelled.tolist() == [True, False, True]
    assert_same(tracks.labelled(), tracks.select([0, 2]))
    codes, names = tracks.label_codes()
    assert (codes.tolist(), names.tolist()) == ([0, -1, 1], ["ann", "bob"])
    assert "2 identities" in repr(tracks)
    assert small().labelled().n_tracks == 3
    assert small(labels=None).labelled().n_tracks == 0


@pytest.mark.parametrize("suffix", [".parquet", ".npz"])
def test_round_trip(suffix: str, tmp_path: Path) -> None:
    tracks = TrackSet.from_arrays(np.eye(3), labels=["", "ann", np.nan])
    write_tracks(tracks, tmp_path / f"t{suffix}")
    assert_same(
        read_tracks(tmp_path / f"t{suffix}"), TrackSet.from_arrays(np.eye(3), labels=["", "ann", ""], video_ids="video")
    )


def test_a_label_in_one_row_is_the_tracks(tmp_path: Path) -> None:
    columns = {
        "track_id": list("aabbcc"),
        "label": [None, "Ann", "Bob", "Bob", None, ""],
        "embedding": np.eye(6).tolist(),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    labels = read_tracks(tmp_path / "t.parquet").labels
    assert labels is not None
    assert labels.tolist() == ["Ann", "Bob", ""]


def test_put_together_with_a_set_without_labels() -> None:
    both = concatenate([small(labels=None), small(video_ids="x", track_ids=None)])
    assert both.labels is not None
    assert both.labels.tolist() == ["", "", "", "ann", "bob", "ann"]


def test_training_is_on_the_labelled_tracks() -> None:
    tracks, recipe = partly(), Recipe.paper(epochs=1, batch_size=8, head="residual")
    with pytest.warns(
        UserWarning, match=r"16 of 48 (training|validation) tracks have no label: they are left out"
    ) as told:
        trained = train(tracks, partly(1, "other"), recipe=recipe)
    assert len(told) == 2
    alone = train(tracks.labelled(), partly(1, "other").labelled(), recipe=recipe)
    assert trained.model.fingerprint() == alone.model.fingerprint()
    with pytest.raises(InputError, match="must have labels"):
        train(small(labels=None), recipe=recipe)


def test_calibration_is_by_the_labelled_tracks() -> None:
    tracks, model = partly(), EmbeddingModel(make_head("residual", 16), "residual", 0.3, 0.2)
    pairs = np.array([[0, 1], [1, 2]])  # track 0 has no label
    found = calibrate(model, tracks, 0.5, pairs=TrackPairs(cannot_link=pairs))
    assert found == calibrate(model, tracks.labelled(), 0.5, pairs=TrackPairs(cannot_link=np.array([[0, 1]])))


@pytest.mark.filterwarnings("default")
def test_every_command_reads_it(tmp_path: Path) -> None:
    write_tracks(partly(), tmp_path / "t.parquet")
    write_tracks(partly(1, "other"), tmp_path / "v.parquet")
    model = tmp_path / "m.safetensors"
    result = run("train", tmp_path / "t.parquet", "--val", tmp_path / "v.parquet", "-o", model, *QUICK)
    assert result.exit_code == 0
    assert "warning: 16 of 48 training tracks have no label: they are left out" in result.stderr
    result = run("cluster", tmp_path / "t.parquet", "-m", model, "-o", tmp_path / "r.csv")
    assert re.match(r"48 tracks, \d+ faces, 2 videos, \d+ people, 16 tracks without a label: ", result.stderr)
    result = run("evaluate", tmp_path / "t.parquet", "-m", model, "--raw")
    assert result.exit_code == 0
    assert "16 of 48 tracks have no label and are clustered with the others, but not scored" in result.stderr
    assert run("calibrate", model, "--val", tmp_path / "v.parquet", "--precision", "0.3").exit_code == 0
    write_tracks(TrackSet.from_arrays(np.eye(16)), tmp_path / "bare.parquet")
    assert "must have labels" in refused(tmp_path, "evaluate", tmp_path / "bare.parquet", "-m", model)
