"""Checks of numbers that several packages make."""

from __future__ import annotations

from bcl_fast.errors import InputError

SMALLEST_NORM = 1e-12  # a shorter vector has no direction; torch.nn.functional.normalize stops dividing there


def check_at_least(name: str, value: float, least: float) -> None:
    """Raise an InputError for a number that is smaller, or NaN."""
    if not value >= least:
        raise InputError(f"{name} must be at least {least}, got {value}")


def check_share(name: str, value: float) -> None:
    """Raise an InputError for a number that is no share."""
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be in 0 to 1, got {value}")
