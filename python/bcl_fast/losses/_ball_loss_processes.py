"""The ball loss of a batch that lies in several processes: the kernels' stages, and what is exchanged between them.

Four exchanges, all in the forward pass, for the gradient is closed-form and comes with the loss: numbers to agree on,
the labels that each process has, class sums, gradients of the centroids with the margins' sums. The largest has a row
per class; no embedding leaves its process.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from bcl_fast import _core
from bcl_fast._utils.process_group import Processes, check_alike

if TYPE_CHECKING:
    from bcl_fast.losses._ball_loss_kernels import BallLossOptions, Found

N_TOTALS = 4  # both parts of the loss, and the samples that violate each
_OWN = ("refused", "n_samples", "n_labels", "with_gradient")  # what a process says of itself
_ALIKE = {  # what must be the same everywhere
    "n_features": int,
    "bits of a number": int,
    "num_classes": int,
    "alpha": float,
    "margin": float,
    "sphere": bool,
    "check_finite": bool,
    "normalize": bool,
    "averaged_gradients": bool,
    "raw_radius": float,
    "checksum of cannot_link": int,
}


class _Agreed(NamedTuple):
    n_total: int
    n_labels: list[int]
    with_gradient: bool


def ball_loss_of_processes(
    embeddings: Tensor,
    labels: Tensor,
    raw_radius: Tensor,
    lists: tuple[Tensor, Tensor] | None,
    with_gradient: bool,
    options: BallLossOptions,
    found: Found,
) -> None:
    """Fill the outputs of the operator ``ball_loss`` with the loss of all processes and this one's gradient.

    Takes a checked batch, perhaps without samples. Every process is to call it, and all raise what one of them refuses.

    Raises
    ------
    ValueError
        If labels are out of range, options or data are not the same in all processes, no process has a sample, or a
        value is one that ``check_finite`` refuses.
    """
    processes = Processes(options.group)
    try:
        mine = torch.unique(labels)
        _check_labels(labels, mine, options.num_classes)
        if lists is not None:
            _core.check_class_lists(*_addresses(lists), options.num_classes)
    except ValueError:
        refuse(options.group)
        raise
    own = (0, len(embeddings), len(mine), with_gradient)
    batch = (embeddings.shape[1], 8 * embeddings.itemsize)
    alike = (*batch, *options.of_kernel, options.averaged_gradients, raw_radius.item(), _checksum(lists))
    agreed = _agree(processes, own, alike)
    present = _labels_of_all(processes, mine, agreed.n_labels)
    codes = torch.searchsorted(present, labels)
    if lists is not None:
        lists = _lists_among(present, *lists)
    stages = _Stages(embeddings, codes, raw_radius, lists, present.numel(), agreed.n_total, options)
    sums = stages.class_sums()
    processes.add_up(sums)
    of_margins = stages.margins(sums, agreed.with_gradient)
    processes.add_up(of_margins)
    stages.finish(of_margins, found)
    if embeddings.is_cuda and options.check_finite and bool(found.loss.isnan()):
        raise ValueError(_describe_nan(embeddings))
    if options.averaged_gradients:
        found.gradient.mul_(processes.size)


def _describe_nan(embeddings: Tensor) -> str:
    """Say what a GPU has found, in all processes, and does not say itself."""
    wrong = torch.nonzero(~torch.isfinite(embeddings).all(1))
    if len(wrong):
        return f"embeddings must be finite, got NaN or infinity in row {int(wrong[0])}"
    return "embeddings must be finite in all processes, and those of a class must not sum to zero on the sphere"


def refuse(group: str) -> None:
    """Tell the other processes of a group, where there is one, that this one's part of the batch cannot be used."""
    if group:
        _exchange(Processes(group), (1, *[0] * (len(_OWN) - 1), *[0] * len(_ALIKE)))


def _check_labels(labels: Tensor, distinct: Tensor, num_classes: int) -> None:
    """Refuse what the core refuses of one process, in its words; ``distinct`` are the labels in order."""
    if num_classes < 0 or not len(distinct) or (distinct[0] >= 0 and distinct[-1] < num_classes):
        return
    position = int(torch.nonzero((labels < 0) | (labels >= num_classes))[0])
    raise ValueError(f"labels must lie in [0, {num_classes}), got {int(labels[position])} at position {position}")


def _addresses(lists: tuple[Tensor, Tensor] | None) -> tuple[int, int, int]:
    """Return where the two parts of lists lie, and how long the second is."""
    return (0, 0, 0) if lists is None else (lists[0].data_ptr(), lists[1].data_ptr(), len(lists[1]))


def _checksum(lists: tuple[Tensor, Tensor] | None) -> int:
    return 0 if lists is None else 1 + zlib.crc32(b"".join(part.numpy().tobytes() for part in lists))


def _agree(processes: Processes, own: tuple[float, ...], alike: tuple[float, ...]) -> _Agreed:
    table = _exchange(processes, (*own, *alike))
    for rank, row in enumerate(table):
        if row[0]:
            raise ValueError(f"process {rank} refused its part of the batch, and says why")
    values = [zip(_ALIKE.items(), row[len(_OWN) :], strict=True) for row in table]
    what = "options and data of the ball loss"
    check_alike(what, [{name: kind(value) for (name, kind), value in row} for row in values])
    n_total = int(sum(row[1] for row in table))
    if n_total == 0:
        raise ValueError("embeddings must not be empty in all processes")
    return _Agreed(n_total, [int(row[2]) for row in table], any(row[3] for row in table))


def _exchange(processes: Processes, numbers: tuple[float, ...]) -> list[list[float]]:
    """Return the numbers of all processes, by rank."""
    row = torch.tensor(numbers, dtype=torch.float64, device=processes.small_device())
    return [row.tolist() for row in processes.rows_of_all(row)]


def _labels_of_all(processes: Processes, mine: Tensor, n_labels: list[int]) -> Tensor:
    """Return the labels that any process has, in order."""
    padded = mine.new_zeros(max(n_labels))
    padded[: len(mine)] = mine
    rows = processes.rows_of_all(padded)
    return torch.unique(torch.cat([row[:n] for row, n in zip(rows, n_labels, strict=True)]))


def _lists_among(present: Tensor, offsets: Tensor, listed: Tensor) -> tuple[Tensor, Tensor]:
    """Return lists of classes for those present alone, all by their places among these."""
    counts = offsets.diff()
    is_present = torch.zeros(len(counts), dtype=torch.bool)
    is_present[present] = True
    kept = is_present.repeat_interleave(counts) & is_present[listed]
    of_class = torch.arange(len(counts)).repeat_interleave(counts)[kept]
    per_class = torch.bincount(of_class, minlength=len(counts))[present]
    return torch.cat([per_class.new_zeros(1), per_class.cumsum(0)]), torch.searchsorted(present, listed[kept])


class _Stages:
    """The core's stages on tensors, which it keeps for them."""

    def __init__(
        self,
        embeddings: Tensor,
        codes: Tensor,
        raw_radius: Tensor,
        lists: tuple[Tensor, Tensor] | None,
        n_classes: int,
        n_total: int,
        options: BallLossOptions,
    ) -> None:
        self._like, self._n_classes = embeddings, n_classes
        n_samples, n_features = embeddings.shape
        dtype = str(embeddings.dtype).removeprefix("torch.")
        batch = (dtype, embeddings.data_ptr(), codes.data_ptr(), n_samples, n_features, n_classes, n_total)
        self._kept: tuple[Any, ...] = (codes, lists)
        _, alpha, margin, sphere, check_finite, normalize = options.of_kernel
        if not embeddings.is_cuda:
            where, threads = _addresses(lists), torch.get_num_threads()
            self._stages = _core.ball_loss_stages(
                *batch, *where, raw_radius.item(), threads, alpha, margin, sphere, check_finite, normalize
            )
            return
        radius = raw_radius.to(embeddings.dtype)
        n_bytes = _core.ball_loss_cuda_scratch_bytes(dtype, n_samples, n_features, n_classes)
        scratch = torch.empty(n_bytes, dtype=torch.uint8, device=embeddings.device)
        self._kept = (codes, radius, scratch)
        stream = torch.cuda.current_stream(embeddings.device).cuda_stream
        of_cuda = (radius.data_ptr(), scratch.data_ptr(), embeddings.device.index, stream)
        # Rows are scaled to unit length before, and led back after.
        self._stages = _core.ball_loss_stages_cuda(*batch, *of_cuda, alpha, margin, sphere, check_finite)

    def class_sums(self) -> Tensor:
        sums = self._like.new_empty(self._n_classes * (self._like.shape[1] + 2))
        self._stages.class_sums(sums.data_ptr())
        return sums

    def margins(self, sums: Tensor, with_gradient: bool) -> Tensor:
        """Return the gradients of the centroids, flat, if wanted, then the sums of the margins."""
        n_gradients = self._n_classes * self._like.shape[1] if with_gradient else 0
        found = self._like.new_empty(n_gradients + N_TOTALS)
        totals = self._like.new_empty(N_TOTALS, dtype=torch.float64)
        self._stages.margins(sums.data_ptr(), totals.data_ptr(), found.data_ptr() if with_gradient else 0)
        found[n_gradients:] = totals
        return found

    def finish(self, of_margins: Tensor, found: Found) -> None:
        totals = of_margins[-N_TOTALS:].double()
        results = (found.gradient.data_ptr(), found.summary.data_ptr())  # without rows an address is 0
        self._stages.finish(totals.data_ptr(), of_margins.data_ptr(), *results)
        found.loss.copy_(found.summary[0])
