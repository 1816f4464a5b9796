"""The checksum in each of our files, by which damage is told from content: SHA-256 of what the file holds.

It is of values and not of bytes, so that every format can carry it; names, types and shapes count, the order of names
and where arrays lie in memory do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from bcl_fast._utils.arrays import is_tensor


def checksum(content: Any) -> str:
    """Return the checksum of arrays, tensors and plain values in mappings and sequences, in hexadecimal."""
    digest = hashlib.sha256()
    _feed(digest, content)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, Mapping):
        digest.update(f"{{{len(value)}".encode())
        for key in sorted(value, key=repr):
            _feed(digest, key)
            _feed(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"[{len(value)}".encode())
        for part in value:
            _feed(digest, part)
    elif isinstance(value, np.ndarray) or is_tensor(value):
        digest.update(f"{value.dtype}{tuple(value.shape)}".encode())
        for part in _parts(value):
            digest.update(part)
    else:
        digest.update(f"{value!r},".encode(errors="surrogatepass"))


def _parts(array: Any) -> list[Any]:
    """Return the bytes of an array or tensor; of texts their lengths too."""
    if is_tensor(array):
        import torch

        return [array.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()]
    if array.dtype != object:
        return [np.ascontiguousarray(array).reshape(-1).view(np.uint8)]
    texts = [text.encode(errors="surrogatepass") for text in array.tolist()]
    return [np.fromiter(map(len, texts), np.int64, len(texts)), b"".join(texts)]
