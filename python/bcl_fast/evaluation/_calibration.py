"""Where to cut for products: the largest threshold whose clusters are as pure as asked, by labelled tracks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bcl_fast._utils.checks import real_number
from bcl_fast.cluster._by_name import LINKAGES
from bcl_fast.errors import InputError
from bcl_fast.evaluation._merge_scores import meetings
from bcl_fast.models import EmbeddingModel
from bcl_fast.results._constrained import settled
from bcl_fast.tracks import TrackPairs, TrackSet

LARGEST_SCALE = 2.0


class Calibration(NamedTuple):
    """A threshold scale and what it gives on the tracks that it was chosen by.

    Attributes
    ----------
    scale : float
        Multiple of the model's threshold; at most 2.
    precision, recall : float
        Of the pairs of tracks in one cluster the share that is of one person, and of the pairs of tracks of one person
        the share that is in one cluster.
    n_clusters : int
    """

    scale: float
    precision: float
    recall: float
    n_clusters: int


def calibrate(
    model: EmbeddingModel, tracks: TrackSet, precision: float = 0.99, *, pairs: TrackPairs | None = None
) -> Calibration:
    """Find the largest threshold scale whose clusters have a pairwise precision.

    All thresholds come from one dendrogram up to twice the model's. Precision does not fall steadily as the threshold
    grows; recall does grow, so the largest threshold is the one to take. It lies halfway between the last merge that it
    allows and the next one. The model is left as it is.

    Parameters
    ----------
    model : EmbeddingModel
        Its own ``threshold_scale`` does not count.
    tracks : TrackSet
        Tracks of people that the model was not trained on; those without a label are left out.
    precision : float, default 0.99
        In (0, 1].
    pairs : TrackPairs, optional
        Constraints on the clusters of ``tracks``, best those that are used later.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    InputError
        If labels are missing, there are fewer than two tracks of one person or fewer than two people, the precision is
        out of range, or no merge reaches it.
    """
    precision = real_number("precision", precision)
    if not 0 < precision <= 1:
        raise InputError(f"precision must be in (0, 1], got {precision}")
    tracks.label_codes()
    pairs = (pairs or TrackPairs()).among(np.flatnonzero(tracks.is_labelled), tracks.n_tracks)
    tracks = tracks.labelled()
    codes, _ = tracks.label_codes()
    sizes = np.bincount(codes)
    if len(sizes) < 2 or sizes.max() < 2:
        raise InputError(
            "calibration wants tracks of two people or more, and two tracks or more of one of them, "
            f"got {tracks.n_tracks} tracks of {len(sizes)}"
        )
    unit = model.unscaled_threshold
    points = settled(model.embed_tracks(tracks), model.neighbor_threshold, pairs.cannot_link)
    merges = LINKAGES[model.linkage](points, LARGEST_SCALE * unit, **pairs._asdict()).merges
    heights = merges[:, 2]
    same, together = np.cumsum(pairs_of_merges(merges, codes), axis=0).T
    last_of_height = np.append(heights[1:] > heights[:-1], True)[: len(heights)]
    good = np.flatnonzero(last_of_height & (heights > 0) & (same >= precision * together))
    if len(good) == 0:
        raise InputError(
            f"no threshold up to {LARGEST_SCALE} times the model's gives a pairwise precision of {precision}"
        )
    cut = int(good[-1])
    after = heights[cut + 1] if cut + 1 < len(heights) else LARGEST_SCALE * unit
    return Calibration(
        scale=float((heights[cut] + after) / 2 / unit),
        precision=float(same[cut] / together[cut]),
        recall=float(same[cut] / (sizes * (sizes - 1) // 2).sum()),
        n_clusters=tracks.n_tracks - cut - 1,
    )


def pairs_of_merges(merges: ArrayLike, codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the pairs of samples that each merge brings together: of one identity, and all.

    Parameters
    ----------
    merges, codes
        As for `meetings`.

    Returns
    -------
    counts : ndarray of shape (n_merges, 2), int64
    """
    counts = [(sum(u * v for _, u, v in met.shared), met.sizes[0] * met.sizes[1]) for met in meetings(merges, codes)]
    return np.array(counts, np.int64).reshape(-1, 2)
