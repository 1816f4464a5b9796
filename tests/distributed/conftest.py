"""A Ray cluster of two workers on this machine, for all tests of the process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from bcl_fast.distributed._connection import _QUIET

os.environ.update(_QUIET)  # before any test imports Ray


@pytest.fixture(scope="session")
def workers() -> Iterator[None]:
    """Stay connected to a cluster that is started once."""
    from bcl_fast.distributed._connection import connected

    with connected("local", 2):
        yield
