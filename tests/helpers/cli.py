"""What the tests of the command line share: tiny simulated films, a runner, and what bad input must look like."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner, Result

from bcl_fast.cli import app
from bcl_fast.models import EmbeddingModel
from bcl_fast.models._heads import make_head
from bcl_fast.simulate import World, simulate_movies
from bcl_fast.tracks import TrackSet, write_tracks

WORLD = World(n_features=16, identity_dimensions=6, nuisance_dimensions=3)
QUICK = ("--recipe", "paper", "--epochs", "2", "--batch-size", "64", "--head", "residual", "--learning-rate", "0.05")


def films(n_videos: int = 2, *, seed: int = 0, prefix: str = "film", tracks_per_video: int = 24) -> TrackSet:
    """Labelled films, small enough to train on in a moment."""
    return simulate_movies(
        n_videos, tracks_per_video, people_per_video=5, faces_per_track=2, seed=seed, world=WORLD, prefix=prefix
    )


def without_labels(tracks: TrackSet) -> TrackSet:
    return TrackSet.from_arrays(tracks.features, tracks.offsets, track_ids=tracks.track_ids, video_ids=tracks.video_ids)


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    """Run ``bcl-fast`` with these arguments in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)


def write_good_files(folder: Path) -> Path:
    """Write good tracks and a good model, untrained: ``good.parquet``, ``good.npz``, ``good.safetensors``."""
    write_tracks(films(), folder / "good.parquet")
    write_tracks(films(), folder / "good.npz")
    EmbeddingModel(make_head("residual", 16), "residual", 0.1, 0.2).save(folder / "good.safetensors")
    return folder


def listing(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, and every folder."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def refused(folder: Path, *arguments: object, stdin: bytes | None = None) -> str:
    """Run a command that must fail with one line on standard error and leave ``folder`` as it was; return the line."""
    before = listing(folder)
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert listing(folder) == before
    return result.stderr.removeprefix("error: ").rstrip("\n")
