"""The benchmark of a GPU, in its small size on the CPU: a script that runs once in a while must not break meanwhile."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from bench.gpu import measure, report


@pytest.mark.slow
def test_small_size_is_measured_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_once(function, device) -> float:
        function()
        return 0.25

    monkeypatch.setattr(measure, "median_seconds", run_once)
    (tmp_path / "results").mkdir()
    measure.measure(torch.device("cpu"), tmp_path / "results" / "cpu.json")
    results = json.loads((tmp_path / "results" / "cpu.json").read_text())
    assert results["left_out"] == []
    assert {row["question"] for row in results["rows"]} == {
        "ball loss, forward + backward",
        "training epoch",
        "clustering",
    }
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    (tmp_path / "RESULTS.md").write_text("# Measured\n\nkept\n")
    report.main()
    report.main()  # written anew, not twice
    text = re.sub(" +", " ", (tmp_path / "RESULTS.md").read_text())  # columns are padded
    assert text.startswith("# Measured\n\nkept\n\n# Measured on GPUs\n")
    assert text.count("| clustering | 2,000 x 64 | bcl_fast |") == 1
    assert "| ball loss, forward + backward | 200 x 16, 20 classes | eager PyTorch | 250.000 | 1.0x |" in text


def test_a_part_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_):
        raise RuntimeError("out of memory\nand more")
        yield

    monkeypatch.setattr(measure, "ceilings", lambda device: {})
    monkeypatch.setattr(measure, "parts", lambda device, rates: [("ball loss", fail), ("clustering", lambda: iter(()))])
    measure.measure(torch.device("cpu"), tmp_path / "cpu.json")
    assert json.loads((tmp_path / "cpu.json").read_text())["left_out"] == ["ball loss: RuntimeError: out of memory"]
