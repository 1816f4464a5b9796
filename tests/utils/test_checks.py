"""Numbers of any kind, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bcl_fast import calibrate, complete_linkage, simulate_episodes, simulate_movies, simulate_splits
from bcl_fast._utils.checks import check_at_least, check_share, plain_number, real_number, whole_number
from bcl_fast.errors import InputError
from bcl_fast.finetuning import FinetuningRecipe
from bcl_fast.simulate import World
from bcl_fast.training import Recipe


@pytest.mark.parametrize(
    "value", [3, 3.0, np.int8(3), np.float32(3), np.array(3), torch.tensor(3), torch.tensor([3.0])]
)
def test_whole_numbers(value: Any) -> None:
    assert whole_number("n", value) == 3
    assert type(whole_number("n", value)) is int


@pytest.mark.parametrize("value", [2.5, np.nan, np.inf, "3", None, True, np.True_, [3], torch.ones(2), 3 + 0j])
def test_what_is_no_whole_number(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n must be a whole number, got "):
        whole_number("n", value)


@pytest.mark.parametrize("value", [2**64, -(2**64), 1e300, 10**400, 10**5000], ids=range(5))
def test_whole_numbers_that_no_processor_holds(value: Any) -> None:
    with pytest.raises(InputError, match=r"^n must be a whole number below 2\*\*64, got ") as caught:
        whole_number("n", value)
    assert len(str(caught.value)) < 300
    assert whole_number("n", 2**64 - 1) == 2**64 - 1


def test_a_number_of_thousands_of_digits_is_told_without_them() -> None:
    with pytest.raises(InputError, match=r"^x must be a number, got a number of thousands of digits$"):
        real_number("x", 10**5000)


@pytest.mark.parametrize("value", [2, 2.0, np.float16(2), np.array(2), torch.tensor(2.0, requires_grad=True)])
def test_numbers(value: Any) -> None:
    assert real_number("x", value) == 2.0
    assert type(real_number("x", value)) is float
    check_at_least("x", value, 2)


@pytest.mark.parametrize("value", ["2", b"2", None, True, [2], [], {}, 2j, 10**400, torch.ones(2)])
@pytest.mark.parametrize("check", [real_number, check_share, lambda name, value: check_at_least(name, value, 0)])
def test_what_is_no_number(check: Any, value: Any) -> None:
    with pytest.raises(InputError, match=r"^x must be a number, got "):
        check("x", value)


def test_bounds() -> None:
    with pytest.raises(InputError, match=r"^x must be at least 2, got nan$"):
        check_at_least("x", float("nan"), 2)
    with pytest.raises(InputError, match=r"^x must be finite, got inf$"):
        check_at_least("x", float("inf"), 2)
    with pytest.raises(InputError, match=r"^x must be in 0 to 1, got 1.5$"):
        check_share("x", 1.5)


def test_a_tensor_keeps_its_value_alone() -> None:
    assert plain_number(torch.nn.Parameter(torch.tensor(0.5))) == 0.5
    array = np.ones(2)
    assert plain_number(array) is array


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: simulate_movies(1.5), "n_videos must be a whole number, got 1.5"),
        (lambda: simulate_movies("2"), "n_videos must be a whole number, got '2'"),
        (lambda: simulate_movies(1, np.inf), "tracks_per_video must be finite, got inf"),
        (lambda: simulate_episodes(2, n_series=[1]), r"n_series must be a whole number, got \[1\]"),
        (lambda: World(n_features="many"), "n_features must be a whole number, got 'many'"),
        (lambda: World(noise_norm=1e300), "noise_norm must be at most 3.4e.38, got 1e.300"),
        (lambda: Recipe(seed=2**64), "seed must be a whole number below 2..64, got 18446744073709551616"),
        (lambda: Recipe(learning_rate=1e300), "learning_rate must be at most 3.4e.38, got 1e.300"),
        (lambda: Recipe(loss=10**5000), "loss must be ball, .*, got a number of thousands of digits"),
        (lambda: FinetuningRecipe(seed=2**64), "seed must be a whole number below 2..64, got 18446744073709551616"),
        (lambda: simulate_splits(0.001, 2**64), "seed must be a whole number below 2..64, got 18446744073709551616"),
        (lambda: simulate_splits(1e300), "features must fit into the .* GB of free memory, got .* GB"),
        (lambda: simulate_movies(1, 2.0**64), "features must fit into the .* GB of free memory, got .* GB"),
        (lambda: simulate_episodes(2, 4, faces_per_track=1e300), "features must fit into the .* GB of free memory.*"),
        (lambda: complete_linkage(np.eye(2), 10**5000), "distance_threshold must be .*, got a number of thousands .*"),
        (lambda: complete_linkage(np.eye(2), 1, n_jobs=10**5000), "n_jobs must be .*, got a number of thousands .*"),
        (lambda: calibrate(None, None, "high"), "precision must be a number, got 'high'"),
    ],
)
def test_functions_say_so(call: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{sentence}$"):
        call()


def test_functions_take_numbers_of_any_kind() -> None:
    assert simulate_movies(np.int64(1), 8, seed=2.0).n_tracks == simulate_movies(1, 8, seed=2).n_tracks
