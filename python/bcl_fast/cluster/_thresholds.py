"""Where a linkage stops: two ways to find the threshold for embeddings, whatever loss they were trained with.

``"radius"``: 4 b, with the squared radius b that the ball loss learns, or that suits given embeddings best.
``"validation"``: the threshold at which labelled tracks of other people fall into as many clusters as there are people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.checks import whole_number
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.cluster._merge import LinkageName

if TYPE_CHECKING:
    from torch import Tensor

Number = TypeVar("Number", float, "Tensor")


def radius_threshold(squared_radius: Number, linkage: LinkageName = "complete") -> Number:
    """Squared distance that separates identities, each in a ball of squared radius ``b``: ``4 b``, or ``3 b``.

    Two points of a ball are at most its diameter apart; at zero loss those of two balls are farther (Tapaswi et al.,
    ICCV 2019, Eqs. 2-4): complete linkage stops at ``4 b``. The mean squared distance of two halves of a ball is
    smaller, 2 b for points on its surface around one centre; average linkage stops halfway between.

    Parameters
    ----------
    squared_radius : float or Tensor
    linkage : {"complete", "average"}, default="complete"

    Returns
    -------
    float or Tensor

    Examples
    --------
    >>> from bcl_fast.cluster import radius_threshold
    >>> radius_threshold(0.25)
    1.0
    """
    return (4 if linkage == "complete" else 3) * squared_radius


def threshold_for_count(points: NDArray[Any], n_clusters: int, linkage: LinkageName = "complete") -> float:
    """Squared distance at which a linkage leaves a number of clusters.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_features)
    n_clusters : int
        From 1 to ``n_samples``.
    linkage : {"complete", "average"}, default="complete"

    Returns
    -------
    float
        The middle of the interval of such thresholds; for one cluster, just above the last merge. Where ties leave
        none, the next threshold with fewer clusters.
    """
    heights = np.append(0, LINKAGES[linkage](points).merges[:, 2])
    heights = np.append(heights, heights[-1] * (1 + 1e-5))
    place = len(points) - whole_number("n_clusters", n_clusters)
    return float(np.mean(heights[place : place + 2]))
