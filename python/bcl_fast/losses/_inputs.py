"""What losses are called with: tensors, or what says the same as one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bcl_fast._utils.arrays import as_array

_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_WANTED = "float16, bfloat16, float32 or float64"
_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


def as_batch(embeddings: Any, labels: Any) -> tuple[Tensor, Tensor]:
    """Return embeddings as a tensor, and labels as an int64 tensor.

    Arrays and lists are taken as tensors on the CPU; labels, which have no device then, on that of the embeddings.

    Raises
    ------
    TypeError
        If embeddings are no floating-point numbers or labels no whole ones, or either is not dense.
    """
    if not isinstance(embeddings, Tensor):
        rows = _owned(embeddings, "embeddings")
        if rows.dtype.kind not in "iufb":
            raise TypeError(f"embeddings must be {_WANTED}, got {_kind_of(rows)}")
        embeddings = torch.from_numpy(rows)
    _check_dense(embeddings, "embeddings")
    if embeddings.dtype not in _FLOATS:
        raise TypeError(f"embeddings must be {_WANTED}, got {embeddings.dtype}")
    if isinstance(labels, Tensor):
        return embeddings, labels if labels.dtype == torch.int64 else _whole_tensor(labels, "labels")
    return embeddings, as_integers(labels, "labels").to(embeddings.device)


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
        cure = "numpy.unique(..., return_inverse=True)[1] numbers any values"
        raise TypeError(f"{name} must be whole numbers, got {_kind_of(numbers)}: {cure}")
    if numbers.dtype.kind == "u" and numbers.size and numbers.max() > torch.iinfo(torch.int64).max:
        raise TypeError(f"{name} must fit int64, got {numbers.max()}")
    if numbers.dtype.kind not in "iubf":
        raise TypeError(f"{name} must be whole numbers, got {numbers.dtype}")
    return _whole_tensor(torch.from_numpy(numbers.astype("int64" if numbers.dtype.kind != "f" else "float64")), name)


def _kind_of(array: Any) -> str:
    if array.dtype.kind not in "OUS":
        return str(array.dtype)
    return "text" if isinstance(array.flat[0], (str, bytes)) else f"{type(array.flat[0]).__name__} objects"


def _check_dense(tensor: Tensor, name: str) -> None:
    if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized:
        kind = "nested" if tensor.is_nested else "quantized" if tensor.is_quantized else "sparse"
        raise TypeError(f"{name} must be a dense tensor, got a {kind} one")


def _whole_tensor(tensor: Tensor, name: str) -> Tensor:
    _check_dense(tensor, name)
    if tensor.is_floating_point() and tensor.dtype.itemsize < 2:
        tensor = tensor.float()  # of eight bits, which can do little themselves
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
