"""A campaign of cases by number: a worker runs them, one after the other; where it dies, another goes on."""

from __future__ import annotations

import multiprocessing
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from fuzz.options import parse_options

_RESIDENT = 1 << 29  # bytes that all cases together may add to a worker's largest resident size
_AS_IT_SHOULD_BE = {"read", "refused"}


class Outcome(NamedTuple):
    """What a case came to: ``read``, ``refused``, or what is wrong."""

    kind: str
    what: str
    detail: str = ""


@dataclass(frozen=True)
class Campaign:
    """Damaged files, by the thousand.

    Attributes
    ----------
    name : str
    write_seeds : callable
        Writes the good files to a folder.
    prepare : callable
        Called once in each worker, with the folder of good files.
    case : callable
        Takes the seed, the number of the case and that folder.
    """

    name: str
    write_seeds: Callable[[Path], None]
    prepare: Callable[[Path], None]
    case: Callable[[int, int, Path], Outcome]

    def run(self, seed: int, cases: int) -> dict[str, int]:
        """Run cases and print their counts; failures go to standard error.

        Returns
        -------
        counts : dict of str to int
            ``read`` and ``refused`` are as it should be; anything else is a failure.
        """
        counts: Counter[str] = Counter()
        context, first = multiprocessing.get_context("spawn"), 0
        seeds = Path(tempfile.mkdtemp(prefix="bcl-fuzz-seeds-"))
        try:
            self.write_seeds(seeds)
            while first < cases:
                outcomes = context.SimpleQueue()
                worker = context.Process(target=_work, args=(self, seed, first, cases, seeds, outcomes))
                worker.start()
                first = _collect(worker, outcomes, seed, first, counts)
        finally:
            shutil.rmtree(seeds)
        found = ", ".join(f"{number:,} {kind}" for kind, number in counts.most_common())
        print(f"{self.name}: {cases:,} damaged files, seed {seed}: {found}")
        return dict(counts)

    def main(self, description: str | None, n_cases: int) -> None:
        """Run as a command: all cases, or one of them."""
        options = parse_options(description, n_cases)
        if options.case is None:
            sys.exit(0 if set(self.run(options.seed, options.cases)) <= _AS_IT_SHOULD_BE else 1)
        with tempfile.TemporaryDirectory() as folder:
            self.write_seeds(Path(folder))
            print(*self.case(options.seed, options.case, Path(folder)), sep="\n")


def _work(campaign: Campaign, seed: int, first: int, last: int, seeds: Path, outcomes: Any) -> None:
    """Run cases, and report each before the next begins."""
    campaign.prepare(seeds)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(first, last):
        outcomes.put((number, campaign.case(seed, number, seeds)))
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        if grown > _RESIDENT:
            outcomes.put((number, Outcome("memory", "", f"the worker grew by {grown / 1e9:.1f} GB")))
            return
    outcomes.put((last, None))


def _collect(worker: Any, outcomes: Any, seed: int, first: int, counts: Counter[str]) -> int:
    """Count what a worker reports until it ends; return the case to go on with."""
    number = first
    while True:
        while outcomes.empty() and worker.is_alive():
            worker.join(0.01)
        if outcomes.empty():  # it died within a case
            _report(seed, number, Outcome(f"died with exit code {worker.exitcode}", ""), counts)
            return number + 1
        place, outcome = outcomes.get()
        if outcome is None:
            worker.join()
            return int(place)
        _report(seed, place, outcome, counts)
        number = place + 1
        if outcome.kind == "memory":
            worker.join()
            return int(number)


def _report(seed: int, number: int, outcome: Outcome, counts: Counter[str]) -> None:
    counts[outcome.kind] += 1
    if outcome.kind not in _AS_IT_SHOULD_BE:
        print(f"--seed {seed} --case {number}: {outcome.kind} ({outcome.what})\n{outcome.detail}", file=sys.stderr)
