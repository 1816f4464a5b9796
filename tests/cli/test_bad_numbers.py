"""Numbers and words of the command line that cannot be: one sentence, as long as it takes and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bcl_fast.tracks import write_tracks
from tests.helpers.cli import QUICK, films, refused, run, without_labels, write_good_files


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_good_files(tmp_path)


@pytest.mark.parametrize("threshold", ["-0.5", "nan", "-inf"])
def test_thresholds(folder, threshold):
    message = refused(folder, "cluster", folder / "good.parquet", "--threshold", threshold, "-o", folder / "new.csv")
    assert message == f"distance_threshold must be a distance >= 0, got {float(threshold)}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--constraints", "none", "--constraints", "auto"), "constraints must be none alone"),
        (("--constraints", "missing.csv"), "the file of pairs missing.csv does not exist"),
        (("--threshold-scale", "nan"), "the threshold scale must be 0 or more, got nan"),
    ],
)
def test_constraints_that_cannot_be(folder, options, message):
    tracks, model = folder / "good.parquet", folder / "good.safetensors"
    assert message in refused(folder, "cluster", tracks, "--model", model, "-o", folder / "new.csv", *options)
    assert message in refused(folder, "evaluate", tracks, "--model", model, *options)


def test_calibrations_that_cannot_be(folder):
    def calibrate(*options: object, model: str = "good.safetensors") -> str:
        return refused(folder, "calibrate", folder / model, *options)

    val = ("--val", folder / "good.parquet")
    assert "precision must be in (0, 1], got 2.0" in calibrate(*val, "--precision", 2)
    assert "good.safetensors exists already" in calibrate(*val, "-o", folder / "good.safetensors")
    assert "a model is written as .safetensors, got the name new.bin" in calibrate(*val, "-o", "new.bin")
    assert "missing.safetensors does not exist" in calibrate(*val, model="missing.safetensors")
    write_tracks(without_labels(films()), folder / "bare.parquet")
    assert "the tracks must have labels" in calibrate("--val", folder / "bare.parquet", "--constraints", "none")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--epochs", "0"), "epochs must be at least 1, got 0"),
        (("--learning-rate", "nan"), "learning_rate must be finite and positive, got nan"),
        (("--dimensions", "16-x"), "dimensions must be whole numbers such as 256-128-64, got '16-x'"),
        (("--dimensions", "20-8"), "16"),
        (("--dimensions", "16-99999999999999999999"), "dimensions must be a whole number below 2**64, got 9999"),
        (("--seed", 2**64), "seed must be a whole number below 2**64, got 18446744073709551616"),
        (("--learning-rate", "1e300"), "learning_rate must be at most 3.4e+38, got 1e+300"),
    ],
)
def test_numbers_of_the_recipe(folder, options, message):
    command = ("train", folder / "good.parquet", "-o", folder / "new.safetensors", *QUICK)
    assert message in refused(folder, *command, *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scale", "0"), "scale must be at least 0.001, got 0.0"),
        (("--scale", "nan"), "scale must be at least 0.001, got nan"),
        (("--scale", "inf"), "scale must be finite, got inf"),
        (("--scale", "1e300"), "features must fit into the "),
        (("--split", "everything"), "split must be train, val or test, got 'everything'"),
        (("--seed", 2**64), "seed must be a whole number below 2**64, got 18446744073709551616"),
        (("--shift", "inf"), "test_shift must be in 0 to 1, got inf"),
    ],
)
def test_numbers_of_the_simulation(folder, options, message):
    assert refused(folder, "simulate", "-o", folder / "new.parquet", *options).startswith(message)
    if options[0] in ("--scale", "--seed"):
        assert refused(folder, "reproduce", "table1", "-o", folder / "new", *options).startswith(message)


def test_numbers_of_fine_tuning(folder):
    command = ("finetune", folder / "good.safetensors", folder / "good.parquet", "-o", folder / "new.safetensors")
    assert refused(folder, *command, "--seed", 2**64).startswith("seed must be a whole number below 2**64")


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 4000, "1e999999999", "0x10", ""])
@pytest.mark.parametrize("option", ["--epochs", "--seed", "--learning-rate"])
def test_numbers_of_thousands_of_digits_are_told_briefly(folder, number, option):
    result = run("train", folder / "good.parquet", "-o", folder / "new.safetensors", option, number)
    assert result.exit_code in (1, 2)
    assert len(result.stderr) < 600


@pytest.mark.parametrize(
    "arguments",
    [
        ("cluster",),
        ("dance",),
        ("train", "x.parquet"),
        ("train", "x.parquet", "-o", "y.safetensors", "--head", "cnn"),
        ("cluster", "x.parquet", "-o", "y.csv", "--threshold", "wide"),
        ("simulate", "-o", "x", "--seed", "-1"),
    ],
)
def test_wrong_usage(arguments):
    assert run(*arguments).exit_code == 2
