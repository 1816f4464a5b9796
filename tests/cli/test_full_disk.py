"""A disk that takes no more: a sentence, exit code 1, and nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bcl_fast.cluster import BallClustering
from tests.helpers.cli import QUICK, listing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits of a POSIX shell")


def with_small_files(command: list[object], folder: Path, blocks: int) -> subprocess.CompletedProcess[str]:
    """Run a command that may write files of so many 512 bytes; beyond, the system refuses as a full disk does."""
    line = ["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", sys.executable, *map(str, command)]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True)


COMMANDS = {
    "train": ["train", "{}/train.parquet", "-o", "new.safetensors", *QUICK, "--head", "mlp"],
    "checkpoint": ["train", "{}/train.parquet", "-o", "new.safetensors", "--checkpoint", "new.pt", *QUICK],
    "tensorboard": ["train", "{}/train.parquet", "-o", "new.safetensors", "--tensorboard", "board", *QUICK],
    "calibrate": ["calibrate", "{}/model.safetensors", "--val", "{}/val.parquet", "-o", "new.safetensors"],
    "finetune": ["finetune", "{}/model.safetensors", "{}/test.parquet", "-o", "new.safetensors", "--rounds", "1"],
    "cluster to Parquet": ["cluster", "{}/test.parquet", "--threshold", "1", "-o", "new.parquet"],
    "cluster to CSV": ["cluster", "{}/test.parquet", "--threshold", "1", "-o", "new.csv"],
    "simulate a file": ["simulate", "-o", "new.parquet", "--scale", "0.001"],
    "simulate an archive": ["simulate", "-o", "new.npz", "--scale", "0.001"],
    "simulate a folder": ["simulate", "-o", "new", "--scale", "0.001"],
}


LARGE = ("train", "checkpoint", "cluster to Parquet", "simulate a file", "simulate an archive")  # full at the end


@pytest.mark.parametrize(("command", "blocks"), [*((name, 1) for name in COMMANDS), *((name, 9) for name in LARGE)])
def test_a_full_disk_is_a_sentence(command, blocks, folder, tmp_path):
    arguments = [str(part).format(folder) for part in COMMANDS[command]]
    done = with_small_files(["-m", "bcl_fast", *arguments], tmp_path, blocks)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "File too large" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert set(listing(tmp_path)) <= {str(path) for path in [tmp_path / "board", *tmp_path.glob("board/events.*")]}


def test_an_estimator_that_the_disk_does_not_take(tmp_path):
    code = (
        "import numpy as np; from bcl_fast import BallClustering; "
        "BallClustering(1.0).fit(np.eye(200)).save('new.safetensors')"
    )
    done = with_small_files(["-c", code], tmp_path, blocks=9)
    assert done.stderr.splitlines()[-1].startswith("OSError: ")
    assert "new.safetensors" in done.stderr.splitlines()[-1]
    assert listing(tmp_path) == {}
    BallClustering(1.0).fit(np.eye(200)).save(tmp_path / "new.safetensors")
