"""Commands that are stopped at any moment, or find the disk full: nothing is lost, and the next run takes over.

A case is a command of `fuzz.victims`, stopped by a signal before one of its operations on files or after a part of its
time, or one that from such an operation on may write files of so many bytes only. Then each of its outputs must be the
old one or the new one, whole; no process may be left; what it says must be no traceback; and the same command, or a
resumed one, must give what a run gives that nothing stopped, and leave no temporary file.

``python -m fuzz.kills`` runs it alone; ``--seed 3 --case 12`` repeats one case.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from bcl_fast._utils.locks import PREFIX
from fuzz.options import parse_options
from fuzz.stopping import Ended, Stop, run_command
from fuzz.victims import VICTIMS, Victim, prepare

CASES = 100
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Whole:
    """What a command comes to that nothing stops: the bytes of its outputs, its operations on files, its seconds."""

    outputs: dict[str, bytes]
    operations: int
    seconds: float


# One case


def _case(seed: int, number: int, template: Path, wholes: dict[str, Whole]) -> tuple[str, list[str]]:
    """Run a case; return what it was, and all that is wrong."""
    rng = np.random.default_rng([seed, number])
    weights = np.array([victim.weight for victim in VICTIMS.values()])
    name = list(VICTIMS)[rng.choice(len(VICTIMS), p=weights / weights.sum())]
    victim, whole = VICTIMS[name], wholes[name]
    stop = _draw(rng, whole)
    with tempfile.TemporaryDirectory(prefix="bcl-fuzz-") as parent:
        folder = Path(os.path.realpath(parent)) / "work"
        shutil.copytree(template, folder)
        old = _outputs(victim, folder)
        ended = run_command(victim.arguments, folder, stop)
        found = _after(ended, stop, folder)
        found += _intact(victim, folder, old, whole)
        ended_again = run_command(victim.again, folder)
        if ended_again.code != 0:
            found.append(f"the next run ended with {ended_again.code}: {ended_again.said}")
        found += [f"{path} stays" for path in _leftovers(folder)]
        found += [
            f"{file}: other bytes in the end"
            for file, new in _outputs(victim, folder).items()
            if new != whole.outputs[file]
        ]
        kind = "full disks" if stop.n_bytes is not None else signal.Signals(stop.number).name
        return f"{name}, {kind}, {stop}", found


def _draw(rng: np.random.Generator, whole: Whole) -> Stop:
    number, operation = int(rng.choice(_SIGNALS)), int(rng.integers(whole.operations))
    kind = rng.choice(["operation", "seconds", "full"], p=[0.5, 0.2, 0.3])
    if kind == "operation":
        return Stop(number, operation)
    if kind == "seconds":
        return Stop(number, seconds=float(rng.uniform(0, 1.1 * whole.seconds)))
    return Stop(operation=operation, n_bytes=int(rng.integers(max(map(len, whole.outputs.values())))))


def _after(ended: Ended, stop: Stop, folder: Path) -> list[str]:
    """Return what is wrong with how a command ended."""
    wanted = {0, 1} if stop.n_bytes is not None else {0, 130} if stop.number == signal.SIGINT else {0, -stop.number}
    found = [] if ended.code in wanted else [f"it ended with {ended.code}: {ended.said}"]
    if "Traceback" in ended.said or "a process went on" in ended.said:
        found.append(ended.said)
    if stop.n_bytes is not None:
        found += [f"{path} stays on a full disk" for path in _leftovers(folder)]
        if ended.code == 1 and not ended.said.splitlines()[-1].startswith("error: "):
            found.append(f"no sentence: {ended.said}")
    return found


def _intact(victim: Victim, folder: Path, old: dict[str, bytes | None], whole: Whole) -> list[str]:
    """Return which outputs are neither the old nor the new ones."""
    found = _outputs(victim, folder)
    return [f"{file} is neither old nor new" for file in found if found[file] not in (old[file], whole.outputs[file])]


def _outputs(victim: Victim, folder: Path) -> dict[str, bytes | None]:
    return {file: _content(folder / file) if (folder / file).is_file() else None for file in victim.outputs}


def _content(file: Path) -> bytes:
    """Return what a file holds: its bytes, but that the library writes metadata of .safetensors in any order."""
    content = file.read_bytes()
    if file.suffix != ".safetensors" or content == b"old":
        return content
    length = int.from_bytes(content[:8], "little")
    return json.dumps(json.loads(content[8 : 8 + length]), sort_keys=True).encode() + content[8 + length :]


def _leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(PREFIX)]


# All cases


def _whole(victim: Victim, template: Path, parent: Path) -> Whole:
    """Run a command that nothing stops, in a folder that it finds as the cases do."""
    folder = parent / "whole"
    shutil.copytree(template, folder)
    begin = time.monotonic()
    said = _good(run_command(victim.arguments, folder))
    seconds = time.monotonic() - begin
    outputs = {file: _content(folder / file) for file in victim.outputs}
    shutil.rmtree(folder)
    return Whole(outputs, said.count("\0"), seconds)


def _good(ended: Ended) -> str:
    if ended.code != 0:
        raise RuntimeError(f"a command that nothing stops ended with {ended.code}: {ended.said}")
    return ended.said


def run(seed: int = 0, cases: Sequence[int] | int = CASES, report: Callable[[str], object] = print) -> dict[str, int]:
    """Run cases and report their counts and what is wrong.

    Returns
    -------
    counts : dict of str to int
        By kind; ``wrong`` is there only where something is.
    """
    counts: Counter[str] = Counter()
    _import_all()
    numbers = range(cases) if isinstance(cases, int) else cases
    with tempfile.TemporaryDirectory(prefix="bcl-fuzz-seeds-") as parent:
        template = Path(os.path.realpath(parent)) / "template"
        template.mkdir()
        prepare(template, lambda arguments, folder: _good(run_command(arguments, folder)))
        wholes = {name: _whole(victim, template, template.parent) for name, victim in VICTIMS.items()}
        for number in numbers:
            what, found = _case(seed, number, template, wholes)
            counts[what.split(", ")[1]] += 1
            if found:
                counts["wrong"] += 1
                report("\n".join([f"--seed {seed} --case {number}: {what}", *found]))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    report(f"kills: {len(numbers):,} commands stopped, seed {seed}: {kinds}")
    return dict(counts)


def _import_all() -> None:
    """Import what the commands do, once: each is a fork of this process."""
    wanted = ("cli._app", "evaluation._evaluate", "finetuning._finetune", "paper.run", "training._train")
    for name in ("matplotlib.figure", "pyarrow.parquet", *(f"bcl_fast.{module}" for module in wanted)):
        import_module(name)


def main() -> None:
    """Run as a command."""
    options = parse_options(__doc__, CASES)
    counts = run(options.seed, options.cases if options.case is None else [options.case])
    sys.exit(1 if "wrong" in counts else 0)


if __name__ == "__main__":
    main()
