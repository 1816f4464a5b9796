"""The torch operators: schema, fake kernel, gradient. The only file that passes addresses to the core.

The core knows nothing of torch, so the binary is tied to no torch version. Outputs come from ``torch.empty`` here; the
autograd node wraps the operator from outside, because ``register_autograd`` costs nearly twice the time per call.
"""

from __future__ import annotations

from typing import Any, NamedTuple, get_type_hints

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bcl_fast import _core

# The scalars at the end of the operator's workspace, in order.
SUMMARY = ("loss", "similar", "dissimilar", "violated_similar", "violated_dissimilar", "raw_gradient")


class BallLossOptions(NamedTuple):
    """What the loss depends on beside its tensors; the operator and the core take these last, in this order.

    Attributes
    ----------
    num_classes : int
        Labels lie in ``[0, num_classes)``, which spares their numbering; -1 for any integers. On CUDA nothing waits for
        the device with a number, so that a CUDA graph can capture the call; a label out of range, or what
        ``check_finite`` would refuse, makes the loss NaN.
    alpha : float
        Weight of the similar part.
    margin : float
        The gap in ``gamma = 9 b + margin``, a squared distance.
    sphere : bool
        Centroids are scaled to unit length; else they are plain means.
    check_finite : bool
        Refuse embeddings that are not finite and classes without a centroid.
    """

    num_classes: int = -1
    alpha: float = 4.0
    margin: float = 0.05
    sphere: bool = True
    check_finite: bool = True


DEFAULTS = BallLossOptions()
_OPTIONS = ", ".join(f"{kind.__name__} {name}" for name, kind in get_type_hints(BallLossOptions).items())
_DTYPES = {torch.float32: "float32", torch.float64: "float64"}  # as the core calls them
_CPU_ALONE = "cannot_link is known to the kernels of the CPU alone"

_library = torch.library.Library("bcl_fast", "DEF")
_library.define(
    "ball_loss(Tensor embeddings, Tensor labels, Tensor raw_radius, Tensor? cannot_link_offsets, "
    f"Tensor? cannot_link_labels, bool with_gradient, {_OPTIONS}) -> Tensor"
)
_library.define("ball_loss_backward(Tensor workspace, Tensor loss_gradient) -> Tensor")


def _workspace(embeddings: Tensor, with_gradient: bool) -> Tensor:
    """Return the one output of the operator: the gradient, flat, if wanted, then the summary."""
    n_gradient = embeddings.shape[0] * embeddings.shape[1] if with_gradient else 0
    return embeddings.new_empty(n_gradient + len(SUMMARY))


def _ball_loss_cpu(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    cannot_link_offsets: Tensor | None,
    cannot_link_labels: Tensor | None,
    with_gradient: bool,
    *options: Any,
) -> Tensor:
    embeddings, labels = embeddings.contiguous(), labels.contiguous()
    offsets = None if cannot_link_offsets is None else cannot_link_offsets.contiguous()
    listed = None if cannot_link_labels is None else cannot_link_labels.contiguous()
    n_samples, n_features = embeddings.shape
    workspace = _workspace(embeddings, with_gradient)
    _core.ball_loss(
        _DTYPES[embeddings.dtype],
        embeddings.data_ptr(),
        labels.data_ptr(),
        n_samples,
        n_features,
        0 if offsets is None else offsets.data_ptr(),
        0 if listed is None else listed.data_ptr(),
        0 if listed is None else listed.shape[0],
        raw_radius.item(),
        workspace.data_ptr(),
        with_gradient,
        torch.get_num_threads(),
        *options,
    )
    return workspace


def _ball_loss_fake(
    embeddings: Tensor, labels: Tensor, raw_radius: Tensor, offsets: Any, listed: Any, with_gradient: bool, *_: Any
) -> Tensor:
    return _workspace(embeddings, with_gradient)


def _ball_loss_backward_cpu(workspace: Tensor, loss_gradient: Tensor) -> Tensor:
    gradient = torch.empty_like(workspace)
    _core.ball_loss_backward(
        _DTYPES[workspace.dtype],
        workspace.data_ptr(),
        workspace.numel(),
        loss_gradient.item(),
        torch.get_num_threads(),
        gradient.data_ptr(),
    )
    return gradient


def _ball_loss_backward_fake(workspace: Tensor, loss_gradient: Tensor) -> Tensor:
    return torch.empty_like(workspace)


def _current_stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream


def _ball_loss_cuda(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    cannot_link_offsets: Tensor | None,
    cannot_link_labels: Tensor | None,
    with_gradient: bool,
    num_classes: int,
    *options: Any,
) -> Tensor:
    if cannot_link_offsets is not None or cannot_link_labels is not None:
        raise ValueError(f"{_CPU_ALONE}, got embeddings on {embeddings.device}")
    if num_classes < 0:
        return _ball_loss_cuda_of_any_labels(embeddings, labels, raw_radius, with_gradient, *options)
    embeddings, labels, raw_radius = embeddings.contiguous(), labels.contiguous(), raw_radius.to(embeddings.dtype)
    device, dtype = embeddings.device, _DTYPES[embeddings.dtype]
    n_samples, n_features = embeddings.shape
    workspace = _workspace(embeddings, with_gradient)
    n_bytes = _core.ball_loss_cuda_scratch_bytes(dtype, n_samples, n_features, num_classes)
    scratch = torch.empty(n_bytes, dtype=torch.uint8, device=device)
    _core.ball_loss_cuda(
        dtype,
        embeddings.data_ptr(),
        labels.data_ptr(),
        n_samples,
        n_features,
        raw_radius.data_ptr(),
        scratch.data_ptr(),
        workspace.data_ptr(),
        with_gradient,
        device.index,
        _current_stream(device),
        num_classes,
        *options,
    )
    return workspace


def _ball_loss_cuda_of_any_labels(
    embeddings: Tensor, labels: Tensor, raw_radius: Tensor, with_gradient: bool, *options: Any
) -> Tensor:
    """Give the labels numbers, which waits for the device; so what ``check_finite`` refuses can be said as well."""
    present, codes = torch.unique(labels, return_inverse=True)
    numbered = BallLossOptions(present.numel(), *options)
    workspace = _ball_loss_cuda(embeddings, codes, raw_radius, None, None, with_gradient, *numbered)
    if numbered.check_finite and bool(workspace[-len(SUMMARY)].isnan()):
        # The CPU kernel finds the reason again, and raises it.
        _ball_loss_cpu(embeddings.cpu(), labels.cpu(), raw_radius.cpu(), None, None, False, -1, *options)
    return workspace


def _ball_loss_backward_cuda(workspace: Tensor, loss_gradient: Tensor) -> Tensor:
    gradient = torch.empty_like(workspace)
    _core.ball_loss_backward_cuda(
        _DTYPES[workspace.dtype],
        workspace.data_ptr(),
        workspace.numel(),
        loss_gradient.data_ptr(),
        gradient.data_ptr(),
        workspace.device.index,
        _current_stream(workspace.device),
    )
    return gradient


_library.impl("ball_loss", _ball_loss_cpu, "CPU")
_library.impl("ball_loss_backward", _ball_loss_backward_cpu, "CPU")
if _core.cuda_version() >= 0:
    _library.impl("ball_loss", _ball_loss_cuda, "CUDA")
    _library.impl("ball_loss_backward", _ball_loss_backward_cuda, "CUDA")
torch.library.register_fake("bcl_fast::ball_loss", _ball_loss_fake, lib=_library)
torch.library.register_fake("bcl_fast::ball_loss_backward", _ball_loss_backward_fake, lib=_library)


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
        raise ValueError(f"{_CPU_ALONE}, got embeddings on {device}")
    if num_classes < 0:
        raise ValueError("cannot_link lists classes by label, so it wants num_classes, got None")
    if any(part.dtype != torch.int64 or part.ndim != 1 for part in lists):
        found = " and ".join(f"{part.dtype} of shape {tuple(part.shape)}" for part in lists)
        raise TypeError(f"cannot_link must hold 1-D int64 offsets and labels, got {found}")
    if len(lists.offsets) != num_classes + 1:
        raise ValueError(f"cannot_link must have num_classes + 1 ({num_classes + 1}) offsets, got {len(lists.offsets)}")
    if any(part.device != device for part in lists):
        raise ValueError(f"cannot_link must be on the embeddings' device {device}, got {lists.offsets.device}")
