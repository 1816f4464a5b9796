"""The devices that a caller may name: ``"cpu"``, ``"cuda"``, ``"cuda:1"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bcl_fast import _core
from bcl_fast._utils.extras import require
from bcl_fast.errors import InputError

if TYPE_CHECKING:
    import torch


def cuda_device(device: str | torch.device) -> int:
    """Return the number of the CUDA device that ``device`` names, as text or as torch has it; -1 for the CPU.

    Raises
    ------
    InputError
        If it is neither ``"cpu"``, ``"cuda"`` nor ``"cuda:<number>"``, or there is no such device.
    """
    if str(device) == "cpu":
        return -1
    kind, _, number = str(device).partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise InputError(f"device must be 'cpu', 'cuda' or 'cuda:<number>', got {device!r}")
    try:
        count = _core.cuda_device_count()
    except RuntimeError as error:
        raise InputError(f"device {device!r} cannot be used: {error}") from None
    if int(number or 0) >= count:
        raise InputError(f"device {device!r} cannot be used: the last of the CUDA devices is cuda:{count - 1}")
    return int(number or 0)


def check_device(device: str | torch.device) -> None:
    """Raise what `cuda_device` raises, before any long work is done."""
    cuda_device(device)


def torch_device(device: str | torch.device) -> torch.device:
    """Return the device as torch has it.

    Raises
    ------
    InputError
        As `cuda_device`; or if torch cannot use the GPU.
    """
    require("a device of torch", "torch")
    import torch

    number = cuda_device(device)
    if number < 0:
        return torch.device("cpu")
    if not torch.cuda.is_available():
        what = f"the torch installed here, {torch.__version__},"
        raise InputError(f"device {device!r} cannot be used: {what} finds no GPU")
    return torch.device("cuda", number)
