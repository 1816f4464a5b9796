"""Checks of numbers that several packages make."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, get_type_hints

import numpy as np

from bcl_fast._utils.arrays import is_tensor
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError

TOO_LARGE = 2**64  # a seed of torch may be one less
LARGEST = float(np.finfo(np.float32).max)
SMALLEST_NORM = 1e-12  # a shorter vector has no direction; torch.nn.functional.normalize stops dividing there


def check_at_least(name: str, value: float, least: float) -> None:
    """Raise an InputError for what is no finite number, or a smaller one."""
    number = real_number(name, value)
    if not number >= least:
        raise InputError(f"{name} must be at least {least}, got {value}")
    if number == math.inf:
        raise InputError(f"{name} must be finite, got {value}")


def whole_at_least(name: str, value: Any, least: int) -> int:
    """Return a whole number as an int, as `whole_number`; raise an InputError for a smaller one."""
    number = whole_number(name, value)
    check_at_least(name, number, least)
    return number


def check_share(name: str, value: float) -> None:
    """Raise an InputError for what is no number from 0 to 1."""
    if not 0 <= real_number(name, value) <= 1:
        raise InputError(f"{name} must be in 0 to 1, got {value}")


def plain_number(value: Any) -> Any:
    """Return the number that a tensor of one element holds, with or without a gradient; anything else as it is."""
    return value.detach().item() if is_tensor(value) and value.numel() == 1 else value


def whole_number(name: str, value: Any) -> int:
    """Return a whole number as an int: also one of NumPy or torch, or a float such as 1e9 that has no fraction.

    Raises
    ------
    InputError
        If it is another kind of number, or none, or one that no processor holds.
    """
    value = plain_number(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    try:
        if not isinstance(value, (bool, np.bool_)):
            number = int(value) if whole else operator.index(value)
            if abs(number) < TOO_LARGE:
                return number
            raise InputError(f"{name} must be a whole number below 2**64, got {brief(value)}")
    except TypeError:
        pass
    raise InputError(f"{name} must be a whole number, got {brief(value)}")


def real_number(name: str, value: Any) -> float:
    """Return a number as a float: also one of NumPy or torch; NaN and infinity are for the caller to judge.

    Raises
    ------
    InputError
        If it is none.
    """
    value = plain_number(value)
    try:
        if not isinstance(value, (bool, np.bool_, str, bytes)):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InputError(f"{name} must be a number, got {brief(value)}")


def store_plain_numbers(record: Any) -> None:
    """Make the numbers of a frozen dataclass what their types say: ``int`` and ``float``, or None where it may be.

    Raises
    ------
    InputError
        If one is no number, not whole where it must be, or larger than float32 holds.
    """
    for name, kind in get_type_hints(type(record)).items():
        value, to_number = getattr(record, name), _NUMBERS.get(kind)
        if to_number is not None and not (value is None and kind in (int | None, float | None)):
            number = to_number(name, value)
            if LARGEST < abs(number) < math.inf:
                raise InputError(f"{name} must be at most {LARGEST:.1e}, got {brief(value)}")
            object.__setattr__(record, name, number)


_NUMBERS: dict[Any, Callable[[str, Any], float]] = {
    **dict.fromkeys((int, int | None), whole_number),
    **dict.fromkeys((float, float | None), real_number),
}
