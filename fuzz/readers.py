"""Damaged files through every reader: each must give what it holds or one sentence, in bounded memory.

Every case is a file that is good, mutated by a seed and its number: cut, bits flipped, runs overwritten, repeated or
swapped, numbers made huge, columns of other types. It goes through the reader of its kind, and every few through a
command. What comes out must be a result, or one `InputError` on one line; of a file with a checksum (a model, a
checkpoint, an estimator, a result) it must be what the file held before. A worker runs the cases under a limit on its
address space; where it dies, its case is a failure and another worker goes on.

``python -m fuzz.readers`` runs it alone; ``--seed 3 --case 1234`` repeats one case and shows its traceback.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bcl_fast.errors import InputError
from fuzz.campaign import Campaign, Outcome
from fuzz.damage import MUTATIONS, write_strange_table
from fuzz.good_files import write_good_files
from fuzz.our_files import READERS as OURS
from fuzz.our_files import content_of

CASES = 4000
WITHOUT_COMMAND = ("ids.ids", "clustering.safetensors")
_COMMAND_EVERY = 8
_ADDRESS_SPACE = 1 << 31  # bytes beyond what the worker has when it begins


def _check_seeds(seeds: Path) -> None:
    """Read every good file: a reader that refuses them would pass all cases."""
    for path in sorted(seeds.iterdir()):
        with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as folder:
            _read(Path(shutil.copy(path, folder)), seeds)
            if path.name not in WITHOUT_COMMAND:
                outcome = _command(_arguments(Path(folder) / path.name, seeds))
                if outcome.kind != "read":
                    raise RuntimeError(f"the good file {path.name} is not read: {outcome}")


# One case


class Damaged(NamedTuple):
    """The file of a case, what was done to it, and whether a program that knows the format wrote it anew."""

    path: Path
    what: str
    is_rewritten: bool = False


def _mutated(rng: np.random.Generator, seeds: Path, folder: Path) -> Damaged:
    source = sorted(seeds.iterdir())[rng.integers(len(list(seeds.iterdir())))]
    target = folder / source.name
    if source.suffix == ".parquet" and rng.random() < 0.4:
        write_strange_table(rng, source, target)
        return Damaged(target, f"{source.name} with strange columns", is_rewritten=True)
    data, done = bytearray(source.read_bytes()), []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        mutation = MUTATIONS[rng.integers(len(MUTATIONS))]
        data = mutation(rng, data) if data else data
        done.append(mutation.__name__.strip("_"))
    target.write_bytes(data)
    return Damaged(target, f"{source.name}: {', '.join(done)}")


def _read(path: Path, seeds: Path) -> None:
    """Read a file as what its name says that it is."""
    from bcl_fast.evaluation import read_labels
    from bcl_fast.results import read_names, read_result
    from bcl_fast.tracks import read_edits, read_pairs, read_tracks

    name = path.name
    if name in OURS:
        content_of(path, seeds)
    elif name.startswith("result"):
        read_result(path)
    elif name == "names.csv":
        read_names(path)
    elif name == "edits.json":
        read_edits(path).pairs(read_tracks(seeds / "tracks.parquet"))
    elif name == "ids.ids":
        (path.parent / "ids").mkdir()
        path.rename(path.parent / "ids" / "v.ids")
        (path.parent / "features" / "v").mkdir(parents=True)
        for track in range(3):
            np.save(path.parent / "features" / "v" / f"{track}.npy", np.ones((1, 2)))
        read_tracks(path.parent)
    elif name == "pairs.csv":
        read_pairs(path, read_tracks(seeds / "tracks.parquet"))
    elif name.startswith("labels"):
        read_labels(path, read_tracks(seeds / "tracks.parquet"))
    else:
        read_tracks(path)


def _arguments(path: Path, seeds: Path) -> list[str]:
    """Return the command that a file of this name is for."""
    good, output = str(seeds / "tracks.parquet"), str(path.parent / "output.csv")
    clustered = ["--threshold", "1", "-o", output, "--force"]
    if path.name == "model.safetensors":
        return ["cluster", good, "--model", str(path), "-o", output, "--force"]
    if path.name == "checkpoint.pt":
        options = ["--recipe", "paper", "--head", "linear", "--epochs", "1", "--batch-size", "8", "--resume", "--force"]
        return ["train", good, *options, "--checkpoint", str(path), "-o", str(path.parent / "output.safetensors")]
    if path.name.startswith("result"):
        return ["cluster", good, "--update", str(path), *clustered]
    if path.name == "names.csv":
        return ["merge", str(seeds / "result.csv"), "--names", str(path), "-o", output, "--force"]
    if path.name in ("pairs.csv", "edits.json"):
        return ["cluster", good, "--constraints", str(path), *clustered]
    if path.name.startswith("labels"):
        return ["evaluate", good, "--clusters", str(path)]
    return ["cluster", str(path), *clustered]


def _command(arguments: list[str]) -> Outcome:
    from typer.testing import CliRunner

    from bcl_fast.cli import app

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = CliRunner().invoke(app, arguments)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return Outcome("traceback", "command", "".join(traceback.format_exception(done.exception)))
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    if done.exit_code not in (0, 1) or len(errors) != done.exit_code:
        return Outcome("no sentence", "command", f"exit code {done.exit_code}: {done.stderr}")
    return Outcome("read" if done.exit_code == 0 else "refused", "command")


def _case(seed: int, number: int, seeds: Path) -> Outcome:
    rng = np.random.default_rng([seed, number])
    with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path, what, is_rewritten = _mutated(rng, seeds, Path(folder))
        try:
            if number % _COMMAND_EVERY == 0 and path.name not in WITHOUT_COMMAND:
                return _command(_arguments(path, seeds))._replace(what=what)
            if path.name in OURS and not is_rewritten:
                same = content_of(path, seeds) == content_of(seeds / path.name, seeds)
                return Outcome("read" if same else "changed", what)
            _read(path, seeds)
        except InputError as error:
            message = str(error)
            is_sentence = "\n" not in message and len(message) < 1000
            return Outcome("refused", what) if is_sentence else Outcome("no sentence", what, message[:2000])
        except BaseException:
            return Outcome("traceback", what, traceback.format_exc())
    return Outcome("read", what)


# The campaign


def _prepare(seeds: Path) -> None:
    """Import what is needed, then limit the address space."""
    _command(["cluster", str(seeds / "tracks.parquet"), "--threshold", "1", "-o", "-"])
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _ADDRESS_SPACE, used + _ADDRESS_SPACE))


def _write_seeds(folder: Path) -> None:
    write_good_files(folder)
    _check_seeds(folder)


CAMPAIGN = Campaign("readers", _write_seeds, _prepare, _case)


def run(seed: int = 0, cases: int = CASES) -> dict[str, int]:
    """Run cases of the campaign; see `Campaign.run`."""
    return CAMPAIGN.run(seed, cases)


if __name__ == "__main__":
    CAMPAIGN.main(__doc__, CASES)
