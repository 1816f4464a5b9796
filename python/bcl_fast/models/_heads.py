"""The heads: small networks from features of about unit norm to the unit sphere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from bcl_fast._utils.checks import SMALLEST_NORM
from bcl_fast.errors import InputError


class Head(nn.Module):
    """Base of the heads: ``forward`` is ``project`` followed by l2 normalisation.

    Parameters
    ----------
    dimensions : sequence of int
        Widths from the features to the embeddings, both included.

    Notes
    -----
    Shapes: scaled features ``(n, dimensions[0])`` to embeddings ``(n, dimensions[-1])``, float32.
    """

    def __init__(self, dimensions: Sequence[int]) -> None:
        super().__init__()
        self.dimensions = tuple(int(width) for width in dimensions)

    def project(self, features: Tensor) -> Tensor:
        """Map ``features`` to the vectors that are then normalised."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        """Map ``features`` to the unit sphere."""
        return nn.functional.normalize(self.project(features), dim=1, eps=SMALLEST_NORM)


class MLPHead(Head):
    """Linear layers with ReLU between them (Tapaswi et al., ICCV 2019, section 4).

    They start as He et al. (2015) propose, with zero biases: random biases would outweigh features of unit norm and map
    them all to nearly the same point.
    """

    def __init__(self, dimensions: Sequence[int]) -> None:
        super().__init__(dimensions)
        pairs = zip(self.dimensions[:-1], self.dimensions[1:], strict=True)
        linears = [nn.Linear(before, after) for before, after in pairs]
        for linear in linears:
            nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)
        self.linears = nn.ModuleList(linears)

    def project(self, features: Tensor) -> Tensor:
        """Apply the layers."""
        for linear in self.linears[:-1]:
            features = torch.relu(linear(features))
        return self.linears[-1](features)


class ResidualHead(Head):
    """``x + W2 relu(W1 x)`` with ``W2 = 0`` at the start: the identity map until training finds something better."""

    def __init__(self, dimensions: Sequence[int]) -> None:
        super().__init__(dimensions)
        width, hidden, _ = self.dimensions
        self.inner = nn.Linear(width, hidden)
        self.outer = nn.Linear(hidden, width)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def project(self, features: Tensor) -> Tensor:
        """Add the learned correction to the features."""
        return features + self.outer(torch.relu(self.inner(features)))


class LinearHead(Head):
    """One linear layer that starts as the identity map."""

    def __init__(self, dimensions: Sequence[int]) -> None:
        super().__init__(dimensions)
        self.linear = nn.Linear(self.dimensions[0], self.dimensions[-1])
        nn.init.eye_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def project(self, features: Tensor) -> Tensor:
        """Apply the layer."""
        return self.linear(features)


HEADS: dict[str, Callable[[Sequence[int]], Head]] = {"mlp": MLPHead, "residual": ResidualHead, "linear": LinearHead}


def default_dimensions(kind: str, n_features: int) -> tuple[int, ...]:
    """Widths of a head from the features to the embeddings, both included.

    ``mlp`` follows the paper: 256-128-64-64 on top of fewer than 512 features, 512-256-128-64 on top of 512 or more.
    ``residual`` has as many hidden units as features, and both identity heads keep the dimension.
    """
    if kind == "mlp":
        return (n_features, 256, 128, 64, 64) if n_features < 512 else (n_features, 512, 256, 128, 64)
    return (n_features,) * (3 if kind == "residual" else 2)


def make_head(kind: str, n_features: int, dimensions: Sequence[int] | None = None) -> Head:
    """Make an untrained head.

    Parameters
    ----------
    kind : {"mlp", "residual", "linear"}
        ``mlp`` is the paper's; the other two start as the identity map, which suits a few hundred training identities.
    n_features : int
        Dimension of the features.
    dimensions : sequence of int, optional
        Widths from the features to the embeddings, both included, such as ``(256, 256, 128, 64, 64)``; by default those
        of `default_dimensions`.

    Raises
    ------
    InputError
        If the kind is unknown or the widths do not suit it.
    """
    if kind not in HEADS:
        raise InputError(f"head must be one of {', '.join(HEADS)}, got {kind!r}")
    widths = tuple(dimensions) if dimensions is not None else default_dimensions(kind, n_features)
    _check_dimensions(kind, n_features, widths)
    return HEADS[kind](widths)


def _check_dimensions(kind: str, n_features: int, widths: tuple[int, ...]) -> None:
    shown = "-".join(map(str, widths))
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(f"dimensions must be two or more positive widths, got {shown or 'none'}")
    if widths[0] != n_features:
        raise InputError(f"dimensions must start with the {n_features} dimensions of the features, got {shown}")
    wanted = {"residual": 3, "linear": 2}.get(kind)
    if wanted is not None and (len(widths) != wanted or widths[0] != widths[-1]):
        raise InputError(f"the {kind} head wants {wanted} dimensions that end as they start, got {shown}")
