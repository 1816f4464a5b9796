"""Fixtures shared by all tests, and what makes them alike on any machine."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

# Before anything imports torch, here or in a child: batches are small, threads would mostly wait for each other, and
# tests run side by side. Tests of many threads ask for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what runs in its background with SIGINT ignored, and so would all programs be that the tests interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings

from bcl_fast._utils.extras import is_installed
from bcl_fast._utils.threads import available_cores
from tests.core.cuda.host_kernels import Kernels, compile_kernels

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not here (../shared/data)")
    return folder.resolve()


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Kernels:
    """The CUDA kernels, compiled for the host: once, by the first process of the run that needs them."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent
    with FileLock(folder / "kernels.lock"):
        library = folder / "kernels" / "simulated_kernels.so"
        if not library.exists():
            library.parent.mkdir(exist_ok=True)
            compile_kernels(library)
    return Kernels(library)


def pytest_xdist_auto_num_workers() -> int:
    """Return the processes of `pytest -n auto`: the cores that this process may use."""
    return available_cores()


def has_cuda_device() -> bool:
    """Whether torch is here and finds a device."""
    if not is_installed("torch"):
        return False
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests first, so that none is left when the others are done; skip those of an absent CUDA device."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    cuda_items = [item for item in items if item.get_closest_marker("cuda")]
    if not cuda_items or os.environ.get("BCL_REQUIRE_CUDA") == "1":
        return
    if not has_cuda_device():
        for item in cuda_items:
            item.add_marker(pytest.mark.skip(reason="no CUDA device (BCL_REQUIRE_CUDA=1 makes this a failure)"))
