"""Groups of points change the time of a linkage, never what it finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast import _core
from tests.helpers.linkage import identities

NO_CONSTRAINTS = np.empty((0, 2), np.int32)
NEVER = 2**40


def merge(
    linkage: str, X: npt.NDArray[Any], threshold: float, fewest_grouped: int, n_threads: int = 2, **options: Any
) -> tuple[npt.NDArray[Any], ...]:
    return getattr(_core, f"{linkage}_linkage")(
        X,
        threshold,
        options.pop("max_pairs", 6 * len(X)),
        options.pop("must_link_groups", None),
        options.pop("cannot_link", NO_CONSTRAINTS),
        _core.Execution(n_threads),
        fewest_grouped=fewest_grouped,
        **options,
    )


def assert_same(one: tuple[npt.NDArray[Any], ...], other: tuple[npt.NDArray[Any], ...]) -> None:
    for array, other_array in zip(one, other, strict=True):
        np.testing.assert_array_equal(array, other_array)


def tight(n: int) -> npt.NDArray[np.float32]:
    """Few, large identities that lie far apart: where whole cells are soon told apart."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(n // 80, 48))
    return (centers[rng.integers(len(centers), size=n)] + 0.4 * rng.normal(size=(n, 48))).astype(np.float32)


INPUTS: dict[str, tuple[npt.NDArray[Any], float]] = {
    "tight": (tight(9000), 22.0),
    "identities": (identities(5000, 40), 0.5),
    "float64, far from the origin": (identities(3000, 24).astype(np.float64) * 1e-3 + 1e6, 0.4e-6),
    "duplicates": (np.repeat(identities(1500, 24), 2, axis=0), 0.4),
    "no threshold": (identities(2500, 24), np.inf),
}


@pytest.mark.parametrize("linkage", ["complete", "average"])
@pytest.mark.parametrize("name", INPUTS)
def test_groups_do_not_show(name: str, linkage: str) -> None:
    X, threshold = INPUTS[name]
    assert_same(merge(linkage, X, threshold, 1), merge(linkage, X, threshold, NEVER))


@pytest.mark.parametrize("linkage", ["complete", "average"])
def test_threads_do_not_show(linkage: str) -> None:
    X, threshold = INPUTS["identities"]
    alone = merge(linkage, X, threshold, 1, n_threads=1)
    assert_same(merge(linkage, X, threshold, 1, n_threads=5), alone)


@pytest.mark.parametrize("linkage", ["complete", "average"])
def test_constraints_hold_in_groups(linkage: str) -> None:
    X, threshold = INPUTS["identities"]
    rng = np.random.default_rng(0)
    first = np.arange(len(X))
    first[1::50] = first[:-1:50]
    together = np.unique(first, return_inverse=True)[1].astype(np.int32)
    apart = rng.integers(0, len(X), (400, 2)).astype(np.int32)
    apart = apart[together[apart[:, 0]] != together[apart[:, 1]]]
    constraints = {"must_link_groups": together, "cannot_link": apart}
    grouped = merge(linkage, X, threshold, 1, **constraints)
    assert_same(grouped, merge(linkage, X, threshold, NEVER, **constraints))
    assert (grouped[1][apart[:, 0]] != grouped[1][apart[:, 1]]).all()
