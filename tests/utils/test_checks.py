"""Numbers of any kind, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bcl_fast import calibrate, simulate_episodes, simulate_movies
from bcl_fast._utils.checks import check_at_least, check_share, plain_number, real_number, whole_number
from bcl_fast.errors import InputError
from bcl_fast.simulate import World


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
        (lambda: calibrate(None, None, "high"), "precision must be a number, got 'high'"),
    ],
)
def test_functions_say_so(call: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{sentence}$"):
        call()


def test_functions_take_numbers_of_any_kind() -> None:
    assert simulate_movies(np.int64(1), 8, seed=2.0).n_tracks == simulate_movies(1, 8, seed=2).n_tracks
