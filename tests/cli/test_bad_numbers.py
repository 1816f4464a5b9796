"""Numbers and words of the command line that cannot be: one sentence, as long as it takes and no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.cli import QUICK, refused, run, write_good_files


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_good_files(tmp_path)


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
