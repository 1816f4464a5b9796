"""The ball loss as a function of tensors: what it takes is checked, and it has a gradient.

The autograd node wraps the operator from outside, because ``register_autograd`` costs nearly twice the time per call.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bcl_fast import _core
from bcl_fast.losses._ball_loss_kernels import CPU_ALONE, DEFAULTS, SUMMARY, BallLossOptions

_NO_GRADIENTS = (None,) * (2 + len(DEFAULTS))  # of the lists and the options


class _BallLoss(torch.autograd.Function):
    """The gradient is closed-form and comes with the loss, so the backward pass is one multiplication."""

    @staticmethod
    def forward(
        ctx: Any,
        embeddings: Tensor,
        labels: Tensor,
        raw_radius: Tensor,
        cannot_link_offsets: Tensor | None,
        cannot_link_labels: Tensor | None,
        *options: Any,
    ) -> tuple[Tensor, Tensor]:
        with_gradient = ctx.needs_input_grad[0] or ctx.needs_input_grad[2]
        workspace = torch.ops.bcl_fast.ball_loss(
            embeddings, labels, raw_radius, cannot_link_offsets, cannot_link_labels, with_gradient, *options
        )
        ctx.save_for_backward(workspace)
        ctx.shape, ctx.raw_dtype = embeddings.shape, raw_radius.dtype
        summary = workspace.narrow(0, workspace.shape[0] - len(SUMMARY), len(SUMMARY))
        ctx.mark_non_differentiable(summary)
        ctx.set_materialize_grads(False)
        return summary.select(0, 0), summary

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, loss_gradient: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        if loss_gradient is None:
            return (None, None, None, *_NO_GRADIENTS)
        embeddings_gradient = raw_gradient = None
        (workspace,) = ctx.saved_tensors
        gradient = torch.ops.bcl_fast.ball_loss_backward(workspace, loss_gradient)
        n_gradient = workspace.shape[0] - len(SUMMARY)
        if ctx.needs_input_grad[0]:
            embeddings_gradient = gradient.narrow(0, 0, n_gradient).view(ctx.shape)
        if ctx.needs_input_grad[2]:
            raw_gradient = gradient.select(0, n_gradient + SUMMARY.index("raw_gradient")).to(ctx.raw_dtype)
        return (embeddings_gradient, None, raw_gradient, *_NO_GRADIENTS)


class ClassLists(NamedTuple):
    """Some classes for each class, in compressed rows.

    Attributes
    ----------
    offsets : Tensor, shape (num_classes + 1,), int64
        The classes of class ``k`` are ``labels[offsets[k]:offsets[k + 1]]``.
    labels : Tensor, shape (offsets[-1],), int64
        Classes, in ``[0, num_classes)``.
    """

    offsets: Tensor
    labels: Tensor


def ball_loss(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    options: BallLossOptions = DEFAULTS,
    cannot_link: ClassLists | None = None,
) -> tuple[Tensor, Tensor]:
    """Ball loss of a batch and what it is made of (Tapaswi et al., ICCV 2019, Eqs. 5-7).

    Parameters
    ----------
    embeddings : Tensor, shape (n_samples, n_features)
        float32 or float64 are used as they are, float16 and bfloat16 are accumulated in float32.
    labels : Tensor, shape (n_samples,), int64
        Identities; any integers, or in ``[0, num_classes)`` if that is given.
    raw_radius : Tensor, 0-dim
        The squared radius is ``softplus(raw_radius)``.
    options : BallLossOptions
    cannot_link : ClassLists, optional
        Classes that each class is pushed away from, in place of all others; wants ``num_classes``. A sample whose class
        has none in the batch counts as far enough.

    Returns
    -------
    loss : Tensor, 0-dim
        float32, or float64 for float64 embeddings.
    summary : Tensor, shape (6,)
        The scalars named by ``SUMMARY``, without a gradient.

    Raises
    ------
    ValueError
        If shapes disagree, a label is out of range or an embedding is not finite.
    TypeError
        If a dtype is not one of those above.
    """
    _check(embeddings, labels, raw_radius)
    if embeddings.dtype in (torch.float16, torch.bfloat16):
        embeddings = embeddings.float()
    lists: tuple[Tensor | None, Tensor | None] = (None, None)
    if cannot_link is not None:
        _check_lists(cannot_link, options.num_classes, embeddings.device)
        lists = cannot_link
    return _BallLoss.apply(embeddings, labels, raw_radius, *lists, *options)  # type: ignore[no-untyped-call]


def _check(embeddings: Tensor, labels: Tensor, raw_radius: Tensor) -> None:
    if embeddings.ndim != 2:
        raise ValueError(f"embeddings must be 2-D (n_samples, n_features), got shape {tuple(embeddings.shape)}")
    if labels.shape != embeddings.shape[:1]:
        raise ValueError(
            f"labels must have shape ({embeddings.shape[0]},), one per embedding, got {tuple(labels.shape)}"
        )
    if embeddings.shape[0] == 0 or embeddings.shape[1] == 0:
        raise ValueError(f"embeddings must not be empty, got shape {tuple(embeddings.shape)}")
    if embeddings.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        raise TypeError(f"embeddings must be float16, bfloat16, float32 or float64, got {embeddings.dtype}")
    if labels.dtype != torch.int64:
        raise TypeError(f"labels must be int64, got {labels.dtype}")
    _check_devices(embeddings.device, labels.device, raw_radius.device)


def _check_devices(device: torch.device, of_labels: torch.device, of_radius: torch.device) -> None:
    if device.type not in ("cpu", "cuda", "meta"):
        raise ValueError(f"embeddings must be on the CPU or a CUDA device, got {device}")
    if device.type == "cuda" and _core.cuda_version() < 0:
        raise ValueError(
            f"embeddings are on {device}, but this build of bcl_fast has no CUDA kernels: "
            "install it where nvcc is found, with BCL_CUDA=ON"
        )
    if of_labels != device:
        raise ValueError(f"labels must be on the embeddings' device {device}, got {of_labels}")
    if device.type == "cuda" and of_radius != device:
        raise ValueError(f"raw_radius must be on the embeddings' device {device}, got {of_radius}")


def _check_lists(lists: ClassLists, num_classes: int, device: torch.device) -> None:
    """Check all but the values, which the core checks."""
    if device.type == "cuda":
        raise ValueError(f"{CPU_ALONE}, got embeddings on {device}")
    if num_classes < 0:
        raise ValueError("cannot_link lists classes by label, so it wants num_classes, got None")
    if any(part.dtype != torch.int64 or part.ndim != 1 for part in lists):
        found = " and ".join(f"{part.dtype} of shape {tuple(part.shape)}" for part in lists)
        raise TypeError(f"cannot_link must hold 1-D int64 offsets and labels, got {found}")
    if len(lists.offsets) != num_classes + 1:
        raise ValueError(f"cannot_link must have num_classes + 1 ({num_classes + 1}) offsets, got {len(lists.offsets)}")
    if any(part.device != device for part in lists):
        raise ValueError(f"cannot_link must be on the embeddings' device {device}, got {lists.offsets.device}")
