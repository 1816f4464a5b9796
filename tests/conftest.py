"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.core.cuda.host_kernels import Kernels, compile_kernels


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not here (../shared/data)")
    return folder.resolve()


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    """The CUDA kernels, compiled for the host."""
    return Kernels(compile_kernels(tmp_path_factory.mktemp("simulated")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests marked ``cuda`` without a device, unless the environment demands one."""
    cuda_items = [item for item in items if item.get_closest_marker("cuda")]
    if not cuda_items or os.environ.get("BCL_REQUIRE_CUDA") == "1":
        return
    import torch

    if not torch.cuda.is_available():
        for item in cuda_items:
            item.add_marker(pytest.mark.skip(reason="no CUDA device (BCL_REQUIRE_CUDA=1 makes this a failure)"))
