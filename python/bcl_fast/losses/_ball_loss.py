"""Losses on a batch of embeddings, all called as ``loss(embeddings, labels)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import Tensor, nn

from bcl_fast._utils.checks import real_number, whole_at_least
from bcl_fast._utils.process_group import group_name
from bcl_fast.cluster import radius_threshold
from bcl_fast.losses._ball_loss_checks import check_space
from bcl_fast.losses._ball_loss_kernels import BallLossOptions
from bcl_fast.losses._ball_loss_op import ClassLists, ball_loss
from bcl_fast.losses._inputs import as_integers

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


class BallLossTerms(NamedTuple):
    """What the ball loss of a batch is made of; 0-dim tensors, of which only ``loss`` carries a gradient."""

    loss: Tensor
    similar: Tensor
    dissimilar: Tensor
    violated_similar: Tensor
    violated_dissimilar: Tensor


class BallLoss(nn.Module):
    """Ball cluster loss: draw each embedding into its own ball, keep the other balls away.

    With ``b = squared_radius``, ``mu_k`` the centroid of identity ``k`` in the batch, ``d(i,k) = ||f_i - mu_k||**2``::

        loss = alpha * mean_i relu(d(i, y_i) - b)
               + mean_i relu(9 b + margin - min_{k != y_i} d(i, k))

    At zero loss every identity lies in a ball of radius ``sqrt(b)`` and ``4 b`` separates identities, so
    ``4 * squared_radius`` is where complete linkage stops (Eqs. 2-8).

    Parameters
    ----------
    space : {"sphere", "euclidean"}, default="sphere"
        On the sphere embeddings and centroids are scaled to unit length; else centroids are plain means.
    alpha : float, default=4.0
        Weight of the first part, which draws embeddings to their centroid.
    margin : float, default=0.05
        The gap between balls, a squared distance.
    init_raw : float, default=0.1
        Where ``raw_radius`` starts.
    num_classes : int, optional
        Promises labels in ``[0, num_classes)``, which spares their numbering; identities absent from a batch take no
        part. On CUDA nothing waits for the device then, so that a CUDA graph can capture the loss.
    check_finite : bool, default=True
        Refuse embeddings that are not finite, and identities whose embeddings sum to zero on the sphere. Without it
        such an identity takes no part and NaN embeddings give a NaN loss. On CUDA with ``num_classes``, where nothing
        is read back, what would be refused makes the loss NaN instead, as do labels out of range.
    normalize : bool, default=True
        On the sphere, scale embeddings to unit length, as pytorch-metric-learning does. Those that have it up to
        rounding stay as they are, so the loss of what a normalised network gives is the same to the last bit. False
        promises unit length, and spares a few operations on CUDA.
    process_group : ProcessGroup or "world", optional
        The batch is that of all processes of the group together, each of which calls the loss with its own samples,
        perhaps none: every process gets the loss of the whole batch and the gradient of its own samples. Sums of
        classes are exchanged, embeddings are not.
    averaged_gradients : bool, default=False
        With a process group: whether the network's gradients are averaged over the processes, as
        ``DistributedDataParallel`` does, and not summed. The gradient of the embeddings is multiplied by the number of
        processes then; that of the radius, the whole one in every process, never is.

    Attributes
    ----------
    raw_radius : nn.Parameter, 0-dim
        The learned number; ``squared_radius = softplus(raw_radius)``.

    Raises
    ------
    ValueError
        If shapes disagree, labels are out of range or an embedding is not finite; in all processes of a group what one
        of them refuses, and options or a radius that are not the same in all.
    TypeError
        If a dtype is not one that `forward` takes.

    Notes
    -----
    Second derivatives and the transforms of ``torch.func`` work too, through the same formula in plain PyTorch: they
    take memory for n x n numbers, and under a transform no value is refused. Not with a process group.

    References
    ----------
    Tapaswi, Law, Fidler. Video Face Clustering with Unknown Number of Clusters. ICCV 2019. arXiv:1908.03381.

    Examples
    --------
    >>> import torch
    >>> from bcl_fast import BallLoss
    >>> loss = BallLoss()
    >>> embeddings = torch.eye(4, requires_grad=True)
    >>> loss(embeddings, torch.tensor([0, 0, 1, 1])).backward()
    >>> round(float(loss.distance_threshold.detach()), 4)
    2.9776
    """

    def __init__(
        self,
        *,
        space: Literal["sphere", "euclidean"] = "sphere",
        alpha: float = 4.0,
        margin: float = 0.05,
        init_raw: float = 0.1,
        num_classes: int | None = None,
        check_finite: bool = True,
        normalize: bool = True,
        process_group: ProcessGroup | str | None = None,
        averaged_gradients: bool = False,
    ) -> None:
        super().__init__()
        check_space(space)
        alpha, margin = real_number("alpha", alpha), real_number("margin", margin)
        if not alpha >= 0:
            raise ValueError(f"alpha must be >= 0, got {alpha}")
        if not margin >= 0:
            raise ValueError(f"margin must be >= 0, got {margin}")
        if num_classes is not None:
            num_classes = whole_at_least("num_classes", num_classes, 1)
        self.space = space
        self.alpha = alpha
        self.margin = margin
        self.num_classes = num_classes
        self.check_finite = check_finite
        self.normalize = normalize
        self.process_group = group_name(process_group)
        self.averaged_gradients = averaged_gradients
        self.raw_radius = nn.Parameter(torch.tensor(real_number("init_raw", init_raw)))

    @property
    def squared_radius(self) -> Tensor:
        """Squared radius ``b`` of every identity's ball."""
        return nn.functional.softplus(self.raw_radius)

    @property
    def distance_threshold(self) -> Tensor:
        """Squared distance ``4 b`` at which complete linkage stops."""
        return radius_threshold(self.squared_radius)

    def forward(self, embeddings: Tensor, labels: Tensor, cannot_link: ClassLists | None = None) -> Tensor:
        """Return the loss of a batch.

        Parameters
        ----------
        embeddings : Tensor, (n_samples, n_features), float32 | float64 | float16 | bfloat16
            Arrays and lists will do, here and for labels.
        labels : Tensor, (n_samples,), whole numbers
            Identities, by any numbers.
        cannot_link : ClassLists, optional
            Only the identities listed for another push it away: see `cannot_link_lists`. Lists go by label, so they
            want ``num_classes``.

        Returns
        -------
        Tensor, 0-dim, float32 (float64 for float64 embeddings)
            The loss.
        """
        return self._evaluate(embeddings, labels, cannot_link)[0]

    def terms(self, embeddings: Tensor, labels: Tensor, cannot_link: ClassLists | None = None) -> BallLossTerms:
        """Return the loss with its two parts and the share of samples that violate each."""
        loss, summary = self._evaluate(embeddings, labels, cannot_link)
        return BallLossTerms(loss, *summary[1:5].unbind())

    def _evaluate(self, embeddings: Tensor, labels: Tensor, cannot_link: ClassLists | None) -> tuple[Tensor, Tensor]:
        classes = -1 if self.num_classes is None else self.num_classes
        on_sphere = self.space == "sphere"
        options = BallLossOptions(
            classes,
            self.alpha,
            self.margin,
            on_sphere,
            self.check_finite,
            self.normalize and on_sphere,
            self.process_group,
            self.averaged_gradients,
        )
        return ball_loss(embeddings, labels, self.raw_radius, options, cannot_link)

    def extra_repr(self) -> str:
        """Show the settings, as torch prints modules."""
        settings = ("space", "alpha", "margin", "num_classes", "normalize")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in settings)


def cannot_link_lists(pairs: Tensor, num_classes: int) -> ClassLists:
    """List for each class the classes that it cannot be one with, for `BallLoss`.

    Parameters
    ----------
    pairs : Tensor, shape (n_pairs, 2), int
        Pairs of different classes, in either order, in ``[0, num_classes)``; repeats do no harm.
    num_classes : int

    Returns
    -------
    lists : ClassLists
        Each pair in both directions, sorted.

    Examples
    --------
    >>> import torch
    >>> from bcl_fast.losses import cannot_link_lists
    >>> cannot_link_lists(torch.tensor([[0, 2], [2, 1]]), num_classes=3)
    ClassLists(offsets=tensor([0, 1, 2, 4]), labels=tensor([2, 2, 0, 1]))
    """
    pairs = as_integers(pairs, "pairs")
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs must have shape (n_pairs, 2), got {tuple(pairs.shape)}")
    if pairs.numel() and (pairs.min() < 0 or pairs.max() >= num_classes):
        raise ValueError(f"pairs must lie in [0, {num_classes}), got {int(pairs.min())} to {int(pairs.max())}")
    keys = torch.unique(torch.cat([pairs, pairs.flip(1)]) @ torch.tensor([num_classes, 1], device=pairs.device))
    counts = torch.bincount(keys // num_classes, minlength=num_classes)
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    return ClassLists(offsets, keys % num_classes)
