"""A Ray cluster of two workers on this machine, for all tests of the process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def workers() -> Iterator[None]:
    """Stay connected to a cluster that is started once."""
    from bcl_fast.distributed._connection import connected

    with connected("local", 2):
        yield
