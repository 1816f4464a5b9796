"""dlib's face recognition network, read from dlib's own file and computed by torch.

dlib computes it in some 75 ms a face, and keeps every other thread of Python waiting meanwhile; the same layers take a
tenth of that here. The architecture is that of dlib's ``dnn_face_recognition_ex.cpp``: a residual network of 29
convolutions in which affine layers stand for batch normalisation.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from bcl_fast._utils.types import Floats
from bcl_fast.errors import InputError

_MEANS = (122.782, 117.001, 104.298)  # of red, green and blue
_LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))  # width, blocks, first halves
_TENSOR_VERSION = b"\x01\x02"  # what dlib writes before the shape and the numbers of a tensor


class _Convolution(NamedTuple):
    """A convolution and the affine layer behind it, as one."""

    weight: Tensor
    bias: Tensor
    stride: int

    def __call__(self, images: Tensor) -> Tensor:
        padding = 0 if self.stride > 1 else self.weight.shape[-1] // 2
        return F.conv2d(images, self.weight, self.bias, self.stride, padding)


class DlibNetwork:
    """The network from aligned faces of 150 x 150 pixels to 128 numbers.

    Parameters
    ----------
    file : Path
        ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises
    ------
    InputError
        If the file is no such network.
    """

    def __init__(self, file: Path) -> None:
        tensors = _Tensors(file.read_bytes())
        try:
            self._first = _convolution(tensors, 32, 3, 7, 2)
            self._blocks: list[tuple[_Convolution, _Convolution, bool]] = []
            width_in = 32
            for width, n_blocks, halves in _LEVELS:
                for block in range(n_blocks):
                    is_half = halves and block == 0
                    first = _convolution(tensors, width, width_in, 3, 2 if is_half else 1)
                    self._blocks.append((first, _convolution(tensors, width, width, 3, 1), is_half))
                    width_in = width
            self._last = tensors.take(width_in * 128).reshape(width_in, 128)
        except _MissingError:
            raise InputError(f"{file}: dlib's face recognition network is wanted, got another file") from None

    @torch.inference_mode()
    def __call__(self, faces: list[np.ndarray]) -> Floats:
        """Return the embeddings (n_faces, 128) of aligned faces (150, 150, 3), uint8, RGB."""
        pixels = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).float()
        images = (pixels - torch.tensor(_MEANS).reshape(1, 3, 1, 1)) / 256
        images = F.max_pool2d(F.relu(self._first(images)), 3, 2)
        for first, second, is_half in self._blocks:
            through = second(F.relu(first(images)))
            images = F.relu(_added(through, F.avg_pool2d(images, 2, 2) if is_half else images))
        return (images.mean(dim=(2, 3)) @ self._last).numpy()


def _added(one: Tensor, other: Tensor) -> Tensor:
    """Add images of different sizes or widths, the missing parts of either as zeros."""
    shape = [max(sizes) for sizes in zip(one.shape, other.shape, strict=True)]
    total = one.new_zeros(shape)
    for part in (one, other):
        total[tuple(slice(size) for size in part.shape)] += part
    return total


def _convolution(tensors: _Tensors, width: int, width_in: int, side: int, stride: int) -> _Convolution:
    """Take the numbers of a convolution (weights, then biases) and of its affine layer (factors, then offsets)."""
    n_weights = width * width_in * side * side
    weight, bias = tensors.take(n_weights + width).split([n_weights, width])
    factor, offset = tensors.take(2 * width).split([width, width])
    weight = weight.reshape(width, width_in, side, side) * factor.reshape(-1, 1, 1, 1)
    return _Convolution(weight, bias * factor + offset, stride)


class _Tensors:
    """The tensors of a file of dlib's, from the first layer to the last, each found by how many numbers it has.

    A tensor is the number of its version, four sizes, each as a count of bytes and these bytes, and its numbers as
    float32, the low byte first.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    def take(self, count: int) -> Tensor:
        """Return the next tensor of so many numbers."""
        while (place := self._content.find(_TENSOR_VERSION, self._place)) >= 0:
            found, start = self._count(place + len(_TENSOR_VERSION))
            if found == count and start + 4 * count <= len(self._content):
                self._place = start + 4 * count
                return torch.from_numpy(np.frombuffer(self._content, "<f4", count, start).astype(np.float32))
            self._place = place + 1
        raise _MissingError

    def _count(self, start: int) -> tuple[int, int]:
        """Multiply the four sizes that stand at a place, and say where they end."""
        count = 1
        for _ in range(4):
            n_bytes = self._content[start] if start < len(self._content) else 0
            count *= int.from_bytes(self._content[start + 1 : start + 1 + n_bytes], "little") if n_bytes <= 4 else 0
            start += 1 + n_bytes
        return count, start


class _MissingError(Exception):
    """The file has no such tensor."""
