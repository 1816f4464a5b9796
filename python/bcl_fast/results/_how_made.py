"""How a result was made, as its file says: by which linkage, up to which threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from bcl_fast._utils.text import one_line
from bcl_fast.cluster._merge import LinkageName
from bcl_fast.errors import InputError

HowMade = tuple[LinkageName | None, float | None]


def how_made(linkages: list[Any], thresholds: list[Any], file: Path) -> HowMade:
    """Return the one linkage and threshold of values that are the same in every row; None where there are none.

    Raises
    ------
    InputError
        If they are several, another linkage than complete and average, or no squared distance.
    """
    linkage, threshold = _the_one(linkages, "linkage", file), _the_one(thresholds, "distance_threshold", file)
    if linkage not in (None, "complete", "average"):
        raise InputError(f"linkage in {file} must be complete or average, got {one_line(str(linkage))!r}")
    return cast("LinkageName | None", linkage), None if threshold is None else _squared_distance(threshold, file)


def _the_one(values: list[Any], name: str, file: Path) -> Any:
    if any(value != values[0] for value in values):
        other = next(value for value in values if value != values[0])
        got = " and ".join(repr(one_line(str(value))) for value in (values[0], other))
        raise InputError(f"{name} in {file} must be the same in every row, got {got}")
    return values[0] if values else None


def _squared_distance(value: Any, file: Path) -> float:
    try:
        threshold = float(value)
    except (TypeError, ValueError):
        threshold = -1.0
    if not threshold >= 0:
        raise InputError(f"distance_threshold in {file} must be a squared distance >= 0, got {one_line(str(value))!r}")
    return threshold
