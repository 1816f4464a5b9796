"""``torchrun -m bcl_fast train``: one model, one sentence, and nothing half-written, however the processes end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from bcl_fast._utils.process_group import Processes
from bcl_fast.cli._processes import Run
from bcl_fast.cli._train import _read
from bcl_fast.errors import InputError
from bcl_fast.models import load_model
from bcl_fast.tracks import write_tracks
from bcl_fast.training import Recipe, train
from bcl_fast.training._checkpoints import read_checkpoint
from tests.helpers.processes import HANG_SECONDS, killed_at_last
from tests.helpers.training import noisy

pytestmark = pytest.mark.slow

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2")
FOLDS = ("--repeats", "1", "--steps", "30", "--batch-size", "32")
PAPER = ("--recipe", "paper", "--head", "linear", "--batch-size", "32")
# Processes of which the second has one argument more.
DIFFERENT = 'if [ $RANK = 1 ]; then exec "$0" -m bcl_fast "$@" $SECOND_HAS; else exec "$0" -m bcl_fast "$@"; fi'


@pytest.fixture
def tracks(tmp_path: Path) -> Path:
    write_tracks(noisy(16), tmp_path / "train.parquet")
    write_tracks(noisy(8, seed=9, prefix="other"), tmp_path / "val.parquet")
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [*TORCHRUN, "-m", "bcl_fast", "train", "train.parquet", "--val", "val.parquet", *arguments]


def run(folder: Path, arguments: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    options = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": HANG_SECONDS}
    return subprocess.run(arguments, **options)


def errors_of(stderr: str) -> list[str]:
    return re.findall("^error: (.*)$", stderr, re.MULTILINE)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".parquet")


def test_the_model_is_that_of_one_process(tracks: Path) -> None:
    outputs = ("-o", "model.safetensors", "--checkpoint", "state.pt", "--history", "history.jsonl")
    done = run(tracks, command(*outputs, *FOLDS))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    for once in ("fold 1/2", "compared on 24 people in 3 folds", "-> model.safetensors"):
        assert done.stderr.count(once) == 1, done.stderr
    assert "warning" not in done.stderr.lower().replace("setting omp_num_threads", "")
    assert files_in(tracks) == ["history.jsonl", "model.safetensors", "state.pt"]
    recipe = Recipe(repeats=1, steps=30, batch_size=32)
    wanted = train(noisy(16), noisy(8, seed=9, prefix="other"), recipe=recipe).model
    model = load_model(tracks / "model.safetensors")
    assert model.distance_threshold == wanted.distance_threshold
    for name, weight in wanted.head.state_dict().items():
        assert torch.equal(model.head.state_dict()[name], weight)


@pytest.mark.parametrize(
    ("arguments", "second_has", "sentence"),
    [
        (PAPER, "--val nowhere.parquet", "nowhere.parquet: there is no such file or folder"),
        (("--learning-rate", "-1"), "", "learning_rate must be finite and positive, got -1.0"),
    ],
)
def test_a_failure_is_said_once(tracks: Path, arguments: tuple[str, ...], second_has: str, sentence: str) -> None:
    start = [*TORCHRUN, "--no-python", "bash", "-c", DIFFERENT, sys.executable]
    rest = command("-o", "model.safetensors", *arguments)[len(TORCHRUN) + 2 :]
    ended = run(tracks, [*start, *rest], SECOND_HAS=second_has)
    assert ended.returncode == 1
    assert errors_of(ended.stderr) == [sentence], ended.stderr
    assert files_in(tracks) == []


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_other_and_leaves_nothing_half_written(tracks: Path, rank: int) -> None:
    outputs = ("-o", "model.safetensors", "--checkpoint", "state.pt", "--history", "history.jsonl")
    endless = command(*outputs, *PAPER, "--epochs", "1000000")
    program = subprocess.Popen(endless, cwd=tracks, stderr=subprocess.PIPE, text=True)
    with killed_at_last(program):
        assert program.stderr is not None
        lines = iter(program.stderr.readline, "")
        before = next(line for line in lines if line.startswith("epoch "))
        os.kill(process_of(program.pid, rank), signal.SIGKILL)
        rest = "".join(lines)
    assert program.returncode == 1, before + rest
    (sentence,) = errors_of(rest)
    assert re.match("another process ended or cannot be reached: |this process was told to end: ", sentence)
    left = [name for name in files_in(tracks) if not name.endswith(".lock")]  # locks end with their process
    assert left == ["history.jsonl", "state.pt"], rest
    epochs = [json.loads(line)["epoch"] for line in (tracks / "history.jsonl").read_text().splitlines()]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(json.loads(read_checkpoint(tracks / "state.pt")["history"])) in (len(epochs), len(epochs) - 1)


def process_of(launcher: int, rank: int) -> int:
    """Return the process of a rank, which torchrun has started with that in its environment."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    wanted = f"RANK={rank}".encode()
    return next(int(child) for child in children if wanted in Path(f"/proc/{child}/environ").read_bytes().split(b"\0"))


class Two(Processes):
    def __init__(self) -> None:
        super().__init__()
        self.size = 2


def test_standard_input_has_one_reader() -> None:
    wanted = "tracks that several processes read must be files or folders, got standard input or a pipe"
    with pytest.raises(InputError, match=f"^{wanted}$"):
        _read([Path("-")], None, Run(None, "cpu", Two()))
