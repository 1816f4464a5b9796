"""The engine that a command clusters with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bcl_fast.cli._inputs import ToCluster
    from bcl_fast.distributed import RayEngine


def check_engine(engine: str, ray_address: str | None) -> RayEngine | None:
    """Return the engine, None for this process; refuse one that is not installed before any work is done."""
    if engine == "local":
        return None
    from bcl_fast.distributed import RayEngine

    return RayEngine(ray_address)


def check_kind(given: ToCluster, engine: RayEngine | None, device: str) -> None:
    """Refuse what the engine cannot do before it is started."""
    from bcl_fast.cluster import _workers

    if engine is not None:
        _workers.check_kind(given.options["linkage"], "sqeuclidean", device)


def connected_to(engine: RayEngine | None) -> AbstractContextManager[object]:
    """Stay connected to the workers, for a command that clusters more than once."""
    if engine is None:
        return nullcontext()
    from bcl_fast.distributed._connection import connected

    return connected(engine.address, 0)
