"""What losses are called with: tensors, or what says the same as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bcl_fast._utils.arrays import as_array

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


def as_batch(embeddings: Any, labels: Any) -> tuple[Tensor, Tensor]:
    """Return embeddings as a tensor, and labels as an int64 tensor.

    Arrays and lists are taken as tensors on the CPU; labels, which have no device then, on that of the embeddings.

    Raises
    ------
    TypeError
        If labels are not whole numbers.
    """
    if not isinstance(embeddings, Tensor):
        embeddings = torch.from_numpy(_owned(embeddings, "embeddings"))
    if isinstance(labels, Tensor) and labels.dtype == torch.int64:
        return embeddings, labels
    numbers = as_integers(labels, "labels")
    return embeddings, numbers if isinstance(labels, Tensor) else numbers.to(embeddings.device)


def as_integers(values: Any, name: str) -> Tensor:
    """Return whole numbers of any type as an int64 tensor: on their device, on the CPU where they have none.

    Raises
    ------
    TypeError
        If they are not whole numbers.
    """
    if isinstance(values, Tensor):
        return _whole_tensor(values, name)
    numbers = _owned(values, name)
    if numbers.dtype.kind in "OUS" and numbers.size:
        kind = "text" if isinstance(numbers.flat[0], (str, bytes)) else f"{type(numbers.flat[0]).__name__} objects"
        raise TypeError(
            f"{name} must be whole numbers, got {kind}: numpy.unique(..., return_inverse=True)[1] numbers any values"
        )
    if numbers.dtype.kind == "u" and numbers.size and numbers.max() > torch.iinfo(torch.int64).max:
        raise TypeError(f"{name} must fit int64, got {numbers.max()}")
    if numbers.dtype.kind not in "iubf":
        raise TypeError(f"{name} must be whole numbers, got {numbers.dtype}")
    return _whole_tensor(torch.from_numpy(numbers.astype("int64" if numbers.dtype.kind != "f" else "float64")), name)


def _whole_tensor(tensor: Tensor, name: str) -> Tensor:
    if tensor.is_floating_point():
        wrong = (tensor != tensor.floor()) | (tensor.abs() >= 2.0**63)
        if wrong.any():
            raise TypeError(f"{name} must be whole numbers, got {tensor[wrong][0].item()}")
    elif tensor.dtype not in _INTEGERS:
        raise TypeError(f"{name} must be whole numbers, got {tensor.dtype}")
    return tensor.long()


def _owned(values: Any, name: str) -> Any:
    """Return an array that torch takes without a warning: writable, in the byte order of this machine."""
    array = as_array(values, name)
    if array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0:
        return array
    return array.astype(array.dtype.newbyteorder("="), order="C")
