"""The ball loss as a function of tensors: what it takes is checked, and it has a gradient.

The autograd node wraps the operator from outside, because ``register_autograd`` costs nearly twice the time per call.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from bcl_fast.losses._ball_loss_formula import ball_loss_formula
from bcl_fast.losses._ball_loss_kernels import (
    DEFAULTS,
    BallLossOptions,
    ball_loss_backward_cpu,
    ball_loss_cpu,
    check_share,
)
from bcl_fast.losses._ball_loss_processes import refuse
from bcl_fast.losses._inputs import as_batch

_PLAIN = (Tensor, torch.nn.Parameter)
_NO_GRADIENTS = (None,) * 3  # of the lists and the options


def _is_plain(tensor: Tensor) -> bool:
    """Return whether the operators may be computed without torch's dispatcher, which takes a third of a small batch.

    That is where nobody looks on: no tracing or compilation, no mode, no subclass, no other device.
    """
    return (
        not torch.compiler.is_compiling()
        and type(tensor) in _PLAIN
        and tensor.is_cpu
        and torch._C._len_torch_dispatch_stack() == 0
        and torch._C._get_tracing_state() is None
    )


class _BallLoss(torch.autograd.Function):
    """The gradient is closed-form and comes with the loss, so the backward pass is one multiplication.

    Where it is to be differentiated itself (``create_graph=True``), it is that of the formula in plain PyTorch.
    """

    @staticmethod
    def forward(
        ctx: Any,
        embeddings: Tensor,
        labels: Tensor,
        raw_radius: Tensor,
        cannot_link_offsets: Tensor | None,
        cannot_link_labels: Tensor | None,
        options: BallLossOptions,
    ) -> tuple[Tensor, Tensor]:
        with_gradient = ctx.needs_input_grad[0] or ctx.needs_input_grad[2]
        compute = ball_loss_cpu if _is_plain(embeddings) else torch.ops.bcl_fast.ball_loss.default
        gradient, loss, summary = compute(
            embeddings, labels, raw_radius, cannot_link_offsets, cannot_link_labels, with_gradient, *options
        )
        ctx.save_for_backward(
            gradient, summary, embeddings, labels, raw_radius, cannot_link_offsets, cannot_link_labels
        )
        ctx.options = options
        ctx.mark_non_differentiable(summary)
        ctx.set_materialize_grads(False)
        return loss, summary

    @staticmethod
    def backward(ctx: Any, loss_gradient: Tensor | None, _: None) -> tuple[Tensor | None, ...]:
        if loss_gradient is None:
            return (None, None, None, *_NO_GRADIENTS)
        gradient, summary, embeddings, labels, raw_radius, offsets, listed = ctx.saved_tensors
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            _check_alone(ctx.options, "second derivatives of it")
            with torch.enable_grad():
                loss = ball_loss_formula(embeddings, labels, raw_radius, offsets, listed, ctx.options)[0]
                of_embeddings, of_raw = torch.autograd.grad(
                    loss, (embeddings, raw_radius), loss_gradient, create_graph=True, allow_unused=True
                )
            return (of_embeddings, None, of_raw, *_NO_GRADIENTS)
        compute = ball_loss_backward_cpu if _is_plain(gradient) else torch.ops.bcl_fast.ball_loss_backward.default
        of_embeddings, of_raw = compute(gradient, summary, loss_gradient)
        return (of_embeddings, None, of_raw.to(raw_radius.dtype), *_NO_GRADIENTS)


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
    labels : Tensor, shape (n_samples,), int
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
    try:
        embeddings, labels = as_batch(embeddings, labels)
    except TypeError:
        refuse(options.group)
        raise
    if embeddings.dtype in (torch.float16, torch.bfloat16):
        embeddings = embeddings.float()
    lists: tuple[Tensor | None, Tensor | None] = (None, None) if cannot_link is None else cannot_link
    if torch._C._are_functorch_transforms_active():
        _check_alone(options, "the transforms of torch.func")
        check_share(embeddings, labels, raw_radius, options, *lists)
        return ball_loss_formula(embeddings, labels, raw_radius, *lists, options)
    return _BallLoss.apply(embeddings, labels, raw_radius, *lists, options)  # type: ignore[no-untyped-call]


def _check_alone(options: BallLossOptions, what: str) -> None:
    if options.group:
        raise ValueError(f"the ball loss of a process_group has one gradient alone: {what} want one process")
