"""The torch operators: schema, fake kernel, gradient. The only file that passes addresses to the core.

The core knows nothing of torch, so the binary is tied to no torch version. Outputs come from ``torch.empty`` here; the
autograd node wraps the operator from outside, because ``register_autograd`` costs nearly twice the time per call.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bcl_fast import _core

# The scalars at the end of the operator's workspace, in order.
SUMMARY = ("loss", "similar", "dissimilar", "violated_similar", "violated_dissimilar", "raw_gradient")

_library = torch.library.Library("bcl_fast", "DEF")
_library.define(
    "ball_loss(Tensor embeddings, Tensor labels, Tensor raw_radius, int num_classes, float alpha, float margin, "
    "bool sphere, bool check_finite, bool with_gradient, Tensor? cannot_link_offsets=None, "
    "Tensor? cannot_link_labels=None) -> Tensor"
)
_library.define("ball_loss_backward(Tensor workspace, Tensor loss_gradient) -> Tensor")

_FORWARD = {torch.float32: _core.ball_loss_float32, torch.float64: _core.ball_loss_float64}
_BACKWARD = {torch.float32: _core.ball_loss_backward_float32, torch.float64: _core.ball_loss_backward_float64}


def _workspace(embeddings: Tensor, with_gradient: bool) -> Tensor:
    """Return the one output of the operator: the gradient, flat, if wanted, then the summary."""
    n_gradient = embeddings.shape[0] * embeddings.shape[1] if with_gradient else 0
    return embeddings.new_empty(n_gradient + len(SUMMARY))


def _ball_loss_cpu(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    num_classes: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
    with_gradient: bool,
    cannot_link_offsets: Tensor | None = None,
    cannot_link_labels: Tensor | None = None,
) -> Tensor:
    embeddings, labels = embeddings.contiguous(), labels.contiguous()
    offsets = None if cannot_link_offsets is None else cannot_link_offsets.contiguous()
    listed = None if cannot_link_labels is None else cannot_link_labels.contiguous()
    workspace = _workspace(embeddings, with_gradient)
    options = _core.BallLossOptions(alpha, margin, sphere, check_finite, torch.get_num_threads())
    n_samples, n_features = embeddings.shape
    _FORWARD[embeddings.dtype](
        embeddings.data_ptr(),
        labels.data_ptr(),
        n_samples,
        n_features,
        num_classes,
        0 if offsets is None else offsets.data_ptr(),
        0 if listed is None else listed.data_ptr(),
        0 if listed is None else listed.shape[0],
        raw_radius.item(),
        options,
        workspace.data_ptr(),
        with_gradient,
    )
    return workspace


def _ball_loss_fake(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    num_classes: int,
    alpha: float,
    margin: float,
    sphere: bool,
    check_finite: bool,
    with_gradient: bool,
    cannot_link_offsets: Tensor | None = None,
    cannot_link_labels: Tensor | None = None,
) -> Tensor:
    return _workspace(embeddings, with_gradient)


def _ball_loss_backward_cpu(workspace: Tensor, loss_gradient: Tensor) -> Tensor:
    gradient = torch.empty_like(workspace)
    _BACKWARD[workspace.dtype](
        workspace.data_ptr(), workspace.numel(), loss_gradient.item(), torch.get_num_threads(), gradient.data_ptr()
    )
    return gradient


def _ball_loss_backward_fake(workspace: Tensor, loss_gradient: Tensor) -> Tensor:
    return torch.empty_like(workspace)


_library.impl("ball_loss", _ball_loss_cpu, "CPU")
_library.impl("ball_loss_backward", _ball_loss_backward_cpu, "CPU")
torch.library.register_fake("bcl_fast::ball_loss", _ball_loss_fake, lib=_library)
torch.library.register_fake("bcl_fast::ball_loss_backward", _ball_loss_backward_fake, lib=_library)


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
            embeddings, labels, raw_radius, *options, with_gradient, cannot_link_offsets, cannot_link_labels
        )
        ctx.save_for_backward(workspace)
        ctx.shape, ctx.n_options, ctx.raw_dtype = embeddings.shape, len(options), raw_radius.dtype
        summary = workspace.narrow(0, workspace.shape[0] - len(SUMMARY), len(SUMMARY))
        ctx.mark_non_differentiable(summary)
        ctx.set_materialize_grads(False)
        return summary.select(0, 0), summary

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, loss_gradient: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        if loss_gradient is None:
            return (None,) * (5 + ctx.n_options)
        embeddings_gradient = raw_gradient = None
        (workspace,) = ctx.saved_tensors
        gradient = torch.ops.bcl_fast.ball_loss_backward(workspace, loss_gradient)
        n_gradient = workspace.shape[0] - len(SUMMARY)
        if ctx.needs_input_grad[0]:
            embeddings_gradient = gradient.narrow(0, 0, n_gradient).view(ctx.shape)
        if ctx.needs_input_grad[2]:
            raw_gradient = gradient.select(0, n_gradient + SUMMARY.index("raw_gradient")).to(ctx.raw_dtype)
        return (embeddings_gradient, None, raw_gradient, None, None, *(None,) * ctx.n_options)


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
    *,
    num_classes: int | None = None,
    alpha: float = 4.0,
    margin: float = 0.05,
    sphere: bool = True,
    check_finite: bool = True,
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
    num_classes : int, optional
        Spares the numbering of the labels.
    alpha : float
        Weight of the similar part.
    margin : float
        The gap in ``gamma = 9 b + margin``, a squared distance.
    sphere : bool
        Centroids are scaled to unit length; else they are plain means.
    check_finite : bool
        Refuse embeddings that are not finite and classes without a centroid.
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
    _check(embeddings, labels)
    if embeddings.dtype in (torch.float16, torch.bfloat16):
        embeddings = embeddings.float()
    classes = -1 if num_classes is None else num_classes
    options = (classes, alpha, margin, sphere, check_finite)
    lists: tuple[Tensor | None, Tensor | None] = (None, None)
    if cannot_link is not None:
        _check_lists(cannot_link, num_classes, embeddings.device)
        lists = cannot_link
    return _BallLoss.apply(embeddings, labels, raw_radius, *lists, *options)  # type: ignore[no-untyped-call]


def _check(embeddings: Tensor, labels: Tensor) -> None:
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
    if embeddings.device.type not in ("cpu", "meta"):
        raise ValueError(
            f"embeddings must be on the CPU, where the kernels of this version run, got {embeddings.device}"
        )
    if labels.device != embeddings.device:
        raise ValueError(f"labels must be on the embeddings' device {embeddings.device}, got {labels.device}")


def _check_lists(lists: ClassLists, num_classes: int | None, device: torch.device) -> None:
    """Check all but the values, which the core checks."""
    if num_classes is None:
        raise ValueError("cannot_link lists classes by label, so it wants num_classes, got None")
    if any(part.dtype != torch.int64 or part.ndim != 1 for part in lists):
        found = " and ".join(f"{part.dtype} of shape {tuple(part.shape)}" for part in lists)
        raise TypeError(f"cannot_link must hold 1-D int64 offsets and labels, got {found}")
    if len(lists.offsets) != num_classes + 1:
        raise ValueError(f"cannot_link must have num_classes + 1 ({num_classes + 1}) offsets, got {len(lists.offsets)}")
    if any(part.device != device for part in lists):
        raise ValueError(f"cannot_link must be on the embeddings' device {device}, got {lists.offsets.device}")
