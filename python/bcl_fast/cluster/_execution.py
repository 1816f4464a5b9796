"""How a call of the core is carried out: the one thing that it is given of threads, progress and device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcl_fast import _core
from bcl_fast._utils.devices import cuda_device
from bcl_fast._utils.threads import n_threads
from bcl_fast.cluster._progress import OnProgress, core_progress

if TYPE_CHECKING:
    import torch


def core_execution(
    n_jobs: int | None = None, progress: OnProgress | None = None, device: str | torch.device = "cpu"
) -> _core.Execution:
    """Check ``n_jobs``, ``progress`` and ``device`` as `complete_linkage` takes them. The clock of progress starts."""
    return _core.Execution(n_threads(n_jobs), core_progress(progress), cuda_device(device))
