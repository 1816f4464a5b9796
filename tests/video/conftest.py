"""A recogniser that costs nothing: tests of all else need not wait for a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protocol buffer: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor_type(*shape: int | str) -> bytes:
    """The type of a tensor of float32; a name stands for a size that is not fixed."""
    sizes = [field(1, field(2, size.encode()) if isinstance(size, str) else field(1, size)) for size in shape]
    return field(1, field(1, 1) + field(2, b"".join(sizes)))


def linear_network(weights: np.ndarray, *, batch: int | str = "n", side: int = 112) -> bytes:  # type: ignore[type-arg]
    """An ONNX file whose output is the mean of each of 7 x 7 fields of each channel, times weights (n, 147)."""
    pool, flat = side // 7, ("AveragePool", "Flatten")

    def attribute(name: str, kind: int, value: bytes) -> bytes:
        return field(5, field(1, name.encode()) + value + field(20, kind))

    ints = b"".join(field(8, pool) for _ in range(2))
    nodes = [
        field(1, b"input") + field(2, b"pooled") + field(4, flat[0].encode())
        + attribute("kernel_shape", 7, ints) + attribute("strides", 7, ints),
        field(1, b"pooled") + field(2, b"flat") + field(4, flat[1].encode()),
        field(1, b"flat") + field(1, b"weights") + field(2, b"embedding") + field(4, b"MatMul"),
    ]  # fmt: skip
    matrix = np.ascontiguousarray(weights.T, "<f4")
    dims = b"".join(field(1, size) for size in matrix.shape)
    initializer = dims + field(2, 1) + field(8, b"weights") + field(9, matrix.tobytes())
    value = [(11, "input", tensor_type(batch, 3, side, side)), (12, "embedding", tensor_type(batch, len(weights)))]
    graph = b"".join(field(1, node) for node in nodes) + field(2, b"graph") + field(5, initializer)
    graph += b"".join(field(number, field(1, name.encode()) + field(2, kind)) for number, name, kind in value)
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


@pytest.fixture
def write_recognizer(tmp_path: Path) -> Callable[..., Path]:
    """Write a tiny recogniser; the seed tells one from another."""

    def write(name: str = "tiny", *, seed: int = 0, n_features: int = 12, **options: Any) -> Path:
        weights = np.random.default_rng(seed).standard_normal((n_features, 147)).astype(np.float32)
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(linear_network(weights, **options))
        return path

    return write
