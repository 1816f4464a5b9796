"""What the ball loss takes, before an address of it reaches the core; the core itself checks values."""

from __future__ import annotations

import torch
from torch import Tensor

from bcl_fast import _core

CPU_ALONE = "cannot_link is known to the kernels of the CPU alone"


def check_batch(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    num_classes: int,
    offsets: Tensor | None = None,
    listed: Tensor | None = None,
    *,
    may_be_empty: bool = False,
) -> None:
    """Refuse tensors that the core could not read as a batch of ``num_classes`` (-1: any) and its lists of classes.

    Raises
    ------
    ValueError
        If shapes, layouts or devices are wrong, or the number of classes is none.
    TypeError
        If a dtype is.
    """
    # Every call of the loss passes here: names and sentences are put together only where something is wrong.
    if not (isinstance(embeddings, Tensor) and isinstance(labels, Tensor) and isinstance(raw_radius, Tensor)):
        named = {"embeddings": embeddings, "labels": labels, "raw_radius": raw_radius}
        name = next(name for name, value in named.items() if not isinstance(value, Tensor))
        raise TypeError(f"{name} must be a tensor, got {named[name]!r}")  # the operator lets None through
    _check_shapes(embeddings, labels, raw_radius, may_be_empty)
    if embeddings.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"embeddings must be float16, bfloat16, float32 or float64, got {embeddings.dtype}")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be int64 where the operator is called directly, got {labels.dtype}")
    if not raw_radius.is_floating_point():
        raise TypeError(f"raw_radius must be a floating-point number, got {raw_radius.dtype}")
    check_devices(embeddings.device, labels.device, raw_radius.device)
    if num_classes != -1 and num_classes < 1:
        raise ValueError(f"num_classes must be >= 1, or -1 for labels of any value, got {num_classes}")
    if offsets is not None or listed is not None:
        _check_lists(offsets, listed, num_classes, embeddings.device)


def _check_shapes(embeddings: Tensor, labels: Tensor, raw_radius: Tensor, may_be_empty: bool) -> None:
    shape = embeddings.shape
    if len(shape) != 2:
        raise ValueError(f"embeddings must be 2-D (n_samples, n_features), got shape {tuple(shape)}")
    if labels.ndim != 1 or labels.shape[0] != shape[0]:
        raise ValueError(f"labels must have shape ({shape[0]},), one per embedding, got {tuple(labels.shape)}")
    if (shape[0] == 0 and not may_be_empty) or shape[1] == 0:
        raise ValueError(f"embeddings must not be empty, got shape {tuple(shape)}")
    if raw_radius.numel() != 1:
        raise ValueError(f"raw_radius must be one number, got shape {tuple(raw_radius.shape)}")
    if embeddings.layout != torch.strided:
        raise ValueError(f"embeddings must be dense, got the layout {embeddings.layout}")
    if labels.layout != torch.strided:
        raise ValueError(f"labels must be dense, got the layout {labels.layout}")


def check_devices(device: torch.device, of_labels: torch.device, of_radius: torch.device) -> None:
    """Refuse devices that have no kernels, or that differ."""
    if device.type == "cpu" and device == of_labels == of_radius:
        return
    if device.type not in ("cpu", "cuda", "meta"):
        raise ValueError(f"embeddings must be on the CPU or a CUDA device, got {device}")
    if device.type == "cuda" and _core.cuda_version() < 0:
        raise ValueError(
            f"embeddings are on {device}, but this build of bcl_fast has no CUDA kernels: "
            "install it where nvcc is found, with BCL_CUDA=ON"
        )
    if of_labels != device:
        raise ValueError(f"labels must be on the embeddings' device {device}, got {of_labels}")
    if of_radius != device and (device.type == "cuda" or of_radius.type == "meta"):
        raise ValueError(f"raw_radius must be on the embeddings' device {device}, got {of_radius}")


def _check_lists(offsets: Tensor | None, listed: Tensor | None, num_classes: int, device: torch.device) -> None:
    """Check all but the values, which the core checks."""
    if device.type == "cuda":
        raise ValueError(f"{CPU_ALONE}, got embeddings on {device}")
    if offsets is None or listed is None:
        raise ValueError(
            f"cannot_link must have both offsets and labels, got no {'labels' if offsets is not None else 'offsets'}"
        )
    if num_classes < 0:
        raise ValueError("cannot_link lists classes by label, so it wants num_classes, got None")
    parts = (offsets, listed)
    if any(part.dtype != torch.int64 or part.ndim != 1 for part in parts):
        found = " and ".join(f"{part.dtype} of shape {tuple(part.shape)}" for part in parts)
        raise TypeError(f"cannot_link must hold 1-D int64 offsets and labels, got {found}")
    if len(offsets) != num_classes + 1:
        raise ValueError(f"cannot_link must have num_classes + 1 ({num_classes + 1}) offsets, got {len(offsets)}")
    if any(part.device != device for part in parts):
        raise ValueError(f"cannot_link must be on the embeddings' device {device}, got {offsets.device}")


def check_space(space: str) -> None:
    """Refuse anything but the two spaces."""
    if not isinstance(space, str) or space not in ("sphere", "euclidean"):
        raise ValueError(f"space must be 'sphere' or 'euclidean', got {space!r}")


def check_gradient(gradient: Tensor, summary: Tensor, loss_gradient: Tensor) -> None:
    """Refuse what is no gradient and summary that the operator ``ball_loss`` returned, or no gradient of its loss."""
    if not isinstance(gradient, Tensor) or not isinstance(summary, Tensor) or not isinstance(loss_gradient, Tensor):
        found = f"{gradient!r}, {summary!r} and {loss_gradient!r}"
        raise TypeError(f"gradient, summary and loss_gradient must be tensors, got {found}")
    if gradient.ndim != 2 or gradient.dtype not in (torch.float32, torch.float64) or not gradient.is_contiguous():
        found = f"{gradient.dtype} of shape {tuple(gradient.shape)} and strides {gradient.stride()}"
        raise ValueError(f"gradient must be 2-D contiguous float32 or float64, as ball_loss returns it, got {found}")
    for name, tensor, size in (("summary", summary, 6), ("loss_gradient", loss_gradient, 1)):
        if tensor.numel() != size or tensor.dtype != gradient.dtype or tensor.device != gradient.device:
            found = f"{tensor.dtype} of shape {tuple(tensor.shape)} on {tensor.device}"
            raise ValueError(f"{name} must hold {size} of the gradient's type {gradient.dtype}, got {found}")
    if not summary.is_contiguous():
        raise ValueError(f"summary must be contiguous, as ball_loss returns it, got strides {summary.stride()}")
