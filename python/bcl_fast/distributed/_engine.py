"""Which engine clusters: this process alone, or the workers of a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bcl_fast._utils.checks import whole_number
from bcl_fast._utils.extras import require
from bcl_fast._utils.text import brief
from bcl_fast.errors import InputError


@dataclass(frozen=True)
class RayEngine:
    """Cluster on the workers of a Ray cluster; the driver, this process, keeps the pairs and the merges.

    Parameters
    ----------
    address : str, optional
        ``"HOST:PORT"`` of a cluster, ``"auto"`` for the one that runs on this machine, ``"local"`` for one that is
        started for the call and ended with it. None: the one this process is connected to already, the one that the
        variable ``RAY_ADDRESS`` names, or else a local one.
    cores_per_task : int, optional
        For each of the large tasks; the more, the fewer blocks there are, and the less is done twice. None: as many as
        the smallest machine has, at most 8. 1 is for clusters whose machines have other work.

    Raises
    ------
    InputError
        A ValueError: if an argument is of another kind.
    MissingExtraError
        If Ray is not installed; the message is the command that installs it.

    See Also
    --------
    bcl_fast.complete_linkage : Takes it as ``engine``; ``engine="ray"`` is ``RayEngine()``.

    Examples
    --------
    >>> from bcl_fast.distributed import RayEngine
    >>> RayEngine("10.0.0.1:6379")
    RayEngine(address='10.0.0.1:6379', cores_per_task=None)
    """

    address: str | None = None
    cores_per_task: int | None = None

    def __post_init__(self) -> None:
        require("engine='ray'", "ray")
        if self.cores_per_task is not None and whole_number("cores_per_task", self.cores_per_task) < 1:
            raise InputError(f"cores_per_task must be at least 1, got {self.cores_per_task}")
        if self.address is not None and (not isinstance(self.address, str) or not self.address):
            raise InputError(
                f"the address of a Ray cluster must be 'HOST:PORT', 'auto' or 'local', got {self.address!r}"
            )


Engine = RayEngine | Literal["local", "ray"]


def resolve_engine(engine: Engine) -> RayEngine | None:
    """Return the engine, None for this process alone.

    Raises
    ------
    InputError
        If it is none.
    """
    if isinstance(engine, RayEngine):
        return engine
    if isinstance(engine, str) and engine in ("local", "ray"):
        return RayEngine() if engine == "ray" else None
    raise InputError(f"engine must be 'local', 'ray' or a RayEngine, got {brief(engine)}")
