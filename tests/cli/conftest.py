"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcl_fast.tracks import write_tracks
from tests.helpers.cli import QUICK, films, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Films to train on, to validate with and to test on, and a model trained on them."""
    folder = tmp_path_factory.mktemp("films")
    for seed, name in enumerate(("train", "val", "test")):
        write_tracks(films(seed=seed, prefix=name), folder / f"{name}.parquet")
    files = [folder / name for name in ("train.parquet", "val.parquet", "model.safetensors")]
    result = run("train", files[0], "--val", files[1], "-o", files[2], *QUICK)
    assert result.exit_code == 0, result.output
    return folder
