"""The torch operators of the ball loss: schema, kernels, fakes. The only file that passes addresses to the core.

The core knows nothing of torch, so the binary is tied to no torch version. Outputs come from ``torch.empty`` here.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, get_type_hints

import torch
from torch import Tensor

from bcl_fast import _core
from bcl_fast._utils.checks import SMALLEST_NORM
from bcl_fast.losses._ball_loss_checks import CPU_ALONE, check_batch, check_gradient
from bcl_fast.losses._ball_loss_processes import ball_loss_of_processes, refuse

# The scalars of the operator's summary, in order.
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
    normalize : bool
        Scale embeddings to unit length first; those that have it up to rounding stay as they are.
    group : str
        Name of the process group whose samples, all together, are the batch; "" for this process alone.
    averaged_gradients : bool
        Multiply this process's gradient of the embeddings by the number of processes, for those who take the mean.
    """

    num_classes: int = -1
    alpha: float = 4.0
    margin: float = 0.05
    sphere: bool = True
    check_finite: bool = True
    normalize: bool = False
    group: str = ""
    averaged_gradients: bool = False

    @property
    def of_kernel(self) -> tuple[int, float, float, bool, bool, bool]:
        """Those that a kernel takes."""
        return self[:6]


DEFAULTS = BallLossOptions()
_OPTIONS = ", ".join(
    f"{kind.__name__} {name}={json.dumps(default) if kind is str else default}"
    for (name, kind), default in zip(
        get_type_hints(BallLossOptions).items(), BallLossOptions._field_defaults.values(), strict=True
    )
)
_DTYPES = {torch.float32: "float32", torch.float64: "float64"}  # as the core calls them

_library = torch.library.Library("bcl_fast", "DEF")
_library.define(
    "ball_loss(Tensor embeddings, Tensor labels, Tensor raw_radius, Tensor? cannot_link_offsets, "
    f"Tensor? cannot_link_labels, bool with_gradient, {_OPTIONS}) -> (Tensor gradient, Tensor loss, Tensor summary)"
)
_library.define(
    "ball_loss_backward(Tensor gradient, Tensor summary, Tensor loss_gradient) -> (Tensor of_embeddings, Tensor of_raw)"
)


class Found(NamedTuple):
    """What the operator returns: each in memory of its own, so that nothing has to be cut out or copied later.

    Attributes
    ----------
    gradient : Tensor, shape (n_samples, n_features)
        Of the loss by the embeddings; no rows, where it is not wanted.
    loss : Tensor, 0-dim
    summary : Tensor, shape (6,)
        The scalars named by ``SUMMARY``, the loss among them.
    """

    gradient: Tensor
    loss: Tensor
    summary: Tensor


def _outputs(embeddings: Tensor, with_gradient: bool) -> Found:
    """Return room for what the operator finds."""
    shape = embeddings.shape if with_gradient else (0, embeddings.shape[1])
    return Found(embeddings.new_empty(shape), embeddings.new_empty(()), embeddings.new_empty(len(SUMMARY)))


def check_share(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    options: BallLossOptions,
    offsets: Tensor | None = None,
    listed: Tensor | None = None,
) -> None:
    """Refuse what `check_batch` refuses; where other processes wait for this one, they hear of it."""
    try:
        may_be_empty = options.group != ""
        check_batch(embeddings, labels, raw_radius, options.num_classes, offsets, listed, may_be_empty=may_be_empty)
    except (TypeError, ValueError):
        refuse(options.group)
        raise


def ball_loss_cpu(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    cannot_link_offsets: Tensor | None,
    cannot_link_labels: Tensor | None,
    with_gradient: bool,
    *options: Any,  # without those at the end that have their defaults: torch leaves them out
) -> Found:
    """Compute the operator ``ball_loss`` on the CPU."""
    numbers = BallLossOptions(*options)
    check_share(embeddings, labels, raw_radius, numbers, cannot_link_offsets, cannot_link_labels)
    embeddings, labels = embeddings.contiguous(), labels.contiguous()
    offsets = None if cannot_link_offsets is None else cannot_link_offsets.contiguous()
    listed = None if cannot_link_labels is None else cannot_link_labels.contiguous()
    n_samples, n_features = embeddings.shape
    found = _outputs(embeddings, with_gradient)
    if numbers.group:
        lists = None if offsets is None or listed is None else (offsets, listed)
        ball_loss_of_processes(embeddings, labels, raw_radius, lists, with_gradient, numbers, found)
        return found
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
        found.gradient.data_ptr(),
        found.loss.data_ptr(),
        found.summary.data_ptr(),
        torch.get_num_threads(),
        *numbers.of_kernel,
    )
    return found


def _ball_loss_fake(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    cannot_link_offsets: Tensor | None,
    cannot_link_labels: Tensor | None,
    with_gradient: bool,
    *options: Any,
) -> Found:
    numbers = BallLossOptions(*options)
    lists = (cannot_link_offsets, cannot_link_labels)
    check_batch(embeddings, labels, raw_radius, numbers.num_classes, *lists, may_be_empty=bool(numbers.group))
    return _outputs(embeddings, with_gradient)


def ball_loss_backward_cpu(gradient: Tensor, summary: Tensor, loss_gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the operator ``ball_loss_backward`` on the CPU."""
    check_gradient(gradient, summary, loss_gradient)
    of_embeddings, of_raw = gradient.new_empty(gradient.shape), gradient.new_empty(())
    _core.ball_loss_backward(
        _DTYPES[gradient.dtype],
        gradient.data_ptr(),
        gradient.numel(),
        summary.data_ptr(),
        loss_gradient.item(),
        torch.get_num_threads(),
        of_embeddings.data_ptr(),
        of_raw.data_ptr(),
    )
    return of_embeddings, of_raw


def _ball_loss_backward_fake(gradient: Tensor, summary: Tensor, loss_gradient: Tensor) -> tuple[Tensor, Tensor]:
    check_gradient(gradient, summary, loss_gradient)
    return gradient.new_empty(gradient.shape), gradient.new_empty(())


def _current_stream(device: torch.device) -> int:
    return torch.cuda.current_stream(device).cuda_stream


def _ball_loss_cuda(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    cannot_link_offsets: Tensor | None,
    cannot_link_labels: Tensor | None,
    with_gradient: bool,
    *options: Any,
) -> Found:
    numbers = BallLossOptions(*options)
    if cannot_link_offsets is not None or cannot_link_labels is not None:
        refuse(numbers.group)
        raise ValueError(f"{CPU_ALONE}, got embeddings on {embeddings.device}")
    check_share(embeddings, labels, raw_radius, numbers)
    if numbers.normalize:
        return _ball_loss_cuda_of_any_lengths(embeddings, labels, raw_radius, with_gradient, numbers)
    if numbers.group:
        embeddings, labels = embeddings.contiguous(), labels.contiguous()
        found = _outputs(embeddings, with_gradient)
        ball_loss_of_processes(embeddings, labels, raw_radius, None, with_gradient, numbers, found)
        return found
    if numbers.num_classes < 0:
        return _ball_loss_cuda_of_any_labels(embeddings, labels, raw_radius, with_gradient, numbers)
    embeddings, labels, raw_radius = embeddings.contiguous(), labels.contiguous(), raw_radius.to(embeddings.dtype)
    num_classes, device, dtype = numbers.num_classes, embeddings.device, _DTYPES[embeddings.dtype]
    n_samples, n_features = embeddings.shape
    gradient, loss, summary = _outputs(embeddings, with_gradient)
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
        gradient.data_ptr(),
        summary.data_ptr(),
        device.index,
        _current_stream(device),
        *numbers.of_kernel[:-1],  # normalised above
    )
    return Found(gradient, loss.copy_(summary[0]), summary)


def _ball_loss_cuda_of_any_lengths(
    embeddings: Tensor, labels: Tensor, raw_radius: Tensor, with_gradient: bool, options: BallLossOptions
) -> Found:
    """Scale rows to unit length before the kernels, and turn the gradient into that of the rows given."""
    lengths = torch.linalg.vector_norm(embeddings, dim=1, keepdim=True)
    inverse_lengths = torch.where(lengths < SMALLEST_NORM, 0, 1 / lengths)
    unit = embeddings * inverse_lengths
    as_given = options._replace(normalize=False)
    found = _ball_loss_cuda(unit, labels, raw_radius, None, None, with_gradient, *as_given)
    if with_gradient:
        along = (unit * found.gradient).sum(1, keepdim=True)
        found.gradient.addcmul_(unit, along, value=-1).mul_(inverse_lengths)
    return found


def _ball_loss_cuda_of_any_labels(
    embeddings: Tensor, labels: Tensor, raw_radius: Tensor, with_gradient: bool, options: BallLossOptions
) -> Found:
    """Give the labels numbers, which waits for the device; so what ``check_finite`` refuses can be said as well."""
    present, codes = torch.unique(labels, return_inverse=True)
    numbered = options._replace(num_classes=present.numel())
    found = _ball_loss_cuda(embeddings, codes, raw_radius, None, None, with_gradient, *numbered)
    if options.check_finite and bool(found.loss.isnan()):
        # The CPU kernel finds the reason again, and raises it.
        ball_loss_cpu(embeddings.cpu(), labels.cpu(), raw_radius.cpu(), None, None, False, *options)
    return found


def _ball_loss_backward_cuda(gradient: Tensor, summary: Tensor, loss_gradient: Tensor) -> tuple[Tensor, Tensor]:
    check_gradient(gradient, summary, loss_gradient)
    of_embeddings, of_raw = gradient.new_empty(gradient.shape), gradient.new_empty(())
    _core.ball_loss_backward_cuda(
        _DTYPES[gradient.dtype],
        gradient.data_ptr(),
        gradient.numel(),
        summary.data_ptr(),
        loss_gradient.data_ptr(),
        of_embeddings.data_ptr(),
        of_raw.data_ptr(),
        gradient.device.index,
        _current_stream(gradient.device),
    )
    return of_embeddings, of_raw


_library.impl("ball_loss", ball_loss_cpu, "CPU")
_library.impl("ball_loss_backward", ball_loss_backward_cpu, "CPU")
if _core.cuda_version() >= 0:
    _library.impl("ball_loss", _ball_loss_cuda, "CUDA")
    _library.impl("ball_loss_backward", _ball_loss_backward_cuda, "CUDA")
torch.library.register_fake("bcl_fast::ball_loss", _ball_loss_fake, lib=_library)
torch.library.register_fake("bcl_fast::ball_loss_backward", _ball_loss_backward_fake, lib=_library)
