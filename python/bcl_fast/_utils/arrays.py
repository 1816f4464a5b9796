"""Arrays of whatever kind a caller holds, as NumPy arrays of plain numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.codes import is_missing
from bcl_fast.errors import InputError


def as_array(values: Any, name: str) -> npt.NDArray[Any]:
    """Return values as a NumPy array; what can only mean numbers becomes numbers.

    Tensors on any device, of any precision, with or without a gradient; data frames and columns with missing numbers
    (NaN here, as behind a mask); arrays of Python objects that are numbers; sequences and columns of vectors. Values of
    other kinds (text, dates) keep their dtype: to refuse them is up to the caller.

    Parameters
    ----------
    values : array-like
    name : str
        What the caller calls them, for errors.

    Raises
    ------
    InputError
        A ValueError: if they are sparse, an iterator, no array at all, or rows of different lengths.
    """
    if is_sparse(values):
        kind = "tensor" if is_tensor(values) else "matrix"
        raise InputError(f"{name} must be dense, got a sparse {kind} of shape {tuple(values.shape)}")
    if isinstance(values, Iterator):
        raise InputError(f"{name} must be an array, got a {type(values).__name__}, which can be read once only")
    if is_tensor(values):
        return _of_tensor(values, name)
    if isinstance(values, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(values), np.nan, values.data) if np.ma.is_masked(values) else values.data
    if isinstance(values, (list, tuple)) and any(map(is_tensor, values)):
        values = [as_array(value, name) for value in values]
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{name} must be an array, got rows of different lengths or depths") from None
    if array.ndim == 0 and array.dtype.kind in "OUS":
        raise InputError(f"{name} must be an array, got {'None' if values is None else f'a {type(values).__name__}'}")
    return _without_objects(array, name) if array.dtype == object else array


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor; torch is not imported for that."""
    tensor_type = _of_module("torch", "Tensor")
    return tensor_type is not None and isinstance(value, tensor_type)


def _of_module(module: str, name: str) -> Any:
    """Return what a module has, None where it is not imported, or another thread is just importing it."""
    return getattr(sys.modules.get(module), name, None)


def is_sparse(value: Any) -> bool:
    """Whether a value is a sparse matrix of SciPy, or a sparse tensor."""
    issparse = _of_module("scipy.sparse", "issparse")
    if issparse is not None and issparse(value):
        return True
    return is_tensor(value) and value.layout != sys.modules["torch"].strided


def _of_tensor(tensor: Any, name: str) -> npt.NDArray[Any]:
    if tensor.is_nested or tensor.device.type == "meta":
        raise InputError(f"{name} must be an array, got a tensor that is {'nested' if tensor.is_nested else 'meta'}")
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    if tensor.is_floating_point() and tensor.dtype.itemsize < 4:
        tensor = tensor.float()  # NumPy has no bfloat16; its float16 would become float32 later
    array: npt.NDArray[Any] = tensor.numpy(force=True)
    return array


def _without_objects(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return an array of numbers, or of vectors of numbers, where the objects are that; else the array as it is."""
    values = array.ravel().tolist()
    if array.ndim == 1 and values and all(_is_vector(value) for value in values):
        rows = [as_array(value, name) for value in values]
        if len({row.shape for row in rows}) > 1:
            raise InputError(f"{name} must be an array, got rows of different lengths or depths")
        return np.stack(rows)
    if any(isinstance(value, (str, bytes, complex)) for value in values):
        return array
    try:
        if all(isinstance(value, (int, np.integer)) for value in values):
            return np.array(values).reshape(array.shape)
        return np.array([np.nan if is_missing(value) else float(value) for value in values]).reshape(array.shape)
    except (TypeError, ValueError, OverflowError):
        return array


def _is_vector(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (hasattr(value, "__array__") and getattr(value, "ndim", 1) > 0)
