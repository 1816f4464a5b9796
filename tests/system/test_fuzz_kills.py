"""The campaign of kills and full disks, as far as a test has time for it; ``make fuzz`` runs all of it."""

from __future__ import annotations

import json
import subprocess
import sys

CAMPAIGN = """
import json, sys
import bcl_fast._utils.files as files
{before}
from fuzz import kills
kills.VICTIMS = {{name: kills.VICTIMS[name] for name in {victims}}}
said = []
counts = kills.run(seed=1, cases={cases}, report=said.append)
print(json.dumps([counts, said]))
"""

IN_PLACE = """
from contextlib import contextmanager
from pathlib import Path

@contextmanager
def in_place(path, *, force=False):
    yield Path(path)

files.atomic_output = in_place
"""


def campaign(victims: list[str], cases: int, before: str = "") -> tuple[dict[str, int], list[str]]:
    """Run it in a process of its own, which forks."""
    code = CAMPAIGN.format(before=before, victims=victims, cases=cases)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    counts, said = json.loads(done.stdout)
    return counts, said


def test_commands_that_are_stopped_lose_nothing():
    counts, said = campaign(["train", "calibrate"], 8)
    assert "wrong" not in counts, said
    assert sum(counts.values()) == 8
    assert "full disks" in counts
    assert "SIGKILL" in counts


def test_files_written_in_place_would_be_found():
    counts, said = campaign(["merge"], 10, IN_PLACE)
    assert counts["wrong"] > 0
    assert "people.csv is neither old nor new" in "\n".join(said)
