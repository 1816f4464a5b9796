"""Pairs of tracks that are surely two people, or one, and that no label told: from frames and boxes.

Faces of one track are one person: a track is one point to cluster, and one class to fine-tune on. Two tracks on screen
at the same moment are two people, which is what `overlapping_pairs` finds. `collect_pairs` adds what a
user says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from bcl_fast._utils.checks import real_number, whole_number
from bcl_fast._utils.codes import categories
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.tracks._checks import LARGEST_INTEGER
from bcl_fast.tracks._defaults import DUPLICATE_IOU
from bcl_fast.tracks._track_set import TrackSet

if TYPE_CHECKING:
    pass

MOST_PAIRS = 100_000_000  # 1.6 GB of them
_CHUNK_FACES = 1 << 22  # faces of pairs that are compared at once

NO_PAIRS = np.empty((0, 2), np.int64)


class TrackPairs(NamedTuple):
    """What is known about pairs of tracks, as `bcl_fast.complete_linkage` takes it.

    Attributes
    ----------
    must_link : ndarray of shape (n_pairs, 2), int64
        Tracks of one person.
    cannot_link : ndarray of shape (n_pairs, 2), int64
        Tracks of two people.
    """

    must_link: Integers = NO_PAIRS
    cannot_link: Integers = NO_PAIRS

    def among(self, members: Integers, n_tracks: int) -> TrackPairs:
        """Keep the pairs of ``members`` (indices), numbered by their place in it, of the pairs of ``n_tracks``."""
        place = np.full(n_tracks, -1, np.int64)
        place[members] = np.arange(len(members))
        kept = [place[pairs] for pairs in self]
        return TrackPairs(*(pairs[(pairs >= 0).all(axis=1)] for pairs in kept))

    def joined(self, other: TrackPairs, n_tracks: int) -> TrackPairs:
        """Return these pairs of ``n_tracks`` and others, each once."""
        return TrackPairs(*(sorted_pairs(np.concatenate(both), n_tracks) for both in zip(self, other, strict=True)))


def automatic_pairs(
    tracks: TrackSet, *, min_overlap: int = 1, duplicate_iou: float | None = DUPLICATE_IOU
) -> TrackPairs:
    """Find the tracks of each video that are on screen together: two people.

    Parameters
    ----------
    tracks : TrackSet
        Labels are not looked at. Without frames nothing is known, and there are no pairs.
    min_overlap : int, default 1
        Frames that the spans of two tracks (first to last frame, both included) must share.
    duplicate_iou : float or None, default 0.7
        Two tracks whose boxes in the frames they share cover each other to more than this, on average, as intersection
        over union, are one face found twice, and no pair. None, or tracks without boxes: no pair is left out.

    Returns
    -------
    pairs : TrackPairs
        No must-link pairs; the cannot-link pairs sorted, each with its smaller index first.

    Raises
    ------
    InputError
        If an option is out of range, or there are more than 10^8 pairs.
    """
    min_overlap = whole_number("min_overlap", min_overlap)
    if not 1 <= min_overlap <= LARGEST_INTEGER:
        raise InputError(f"min_overlap must be from 1 to 2**62 frames, got {min_overlap}")
    if duplicate_iou is not None and not 0 <= real_number("duplicate_iou", duplicate_iou) <= 1:
        raise InputError(f"duplicate_iou must be in [0, 1], got {duplicate_iou}")
    spans = tracks.frame_spans()
    if spans is None:
        return TrackPairs()
    pairs = overlapping_pairs(spans, categories(tracks.video_ids).codes, min_overlap)
    if duplicate_iou is not None and tracks.boxes is not None and len(pairs):
        pairs = pairs[~(_shared_box_overlap(tracks, pairs) > duplicate_iou)]
    return TrackPairs(cannot_link=pairs)


def overlapping_pairs(spans: Integers, videos: Integers, min_overlap: int = 1) -> Integers:
    """Find the pairs of spans of one video that share ``min_overlap`` frames or more.

    The spans are sorted by their first frame; those that overlap a span and begin after it then are a run, whose end is
    a binary search: O(n log n) and the pairs found.

    Parameters
    ----------
    spans : ndarray of shape (n, 2), int64
        First and last frame, both included.
    videos : ndarray of shape (n,), int64
        From 0.
    min_overlap : int, default 1

    Returns
    -------
    pairs : ndarray of shape (n_pairs, 2), int64
        Sorted, the smaller index first.

    Raises
    ------
    InputError
        If there are more than 10^8 pairs.
    """
    first, latest_start = spans[:, 0], spans[:, 1] - (min_overlap - 1)
    long_enough = np.flatnonzero(latest_start >= first)
    order = long_enough[np.lexsort((first[long_enough], videos[long_enough]))]
    n = len(order)
    moments, ranks = np.unique(np.concatenate([first[order], latest_start[order]]), return_inverse=True)
    begins, ends = (videos[order] * len(moments) + rank for rank in (ranks[:n], ranks[n:]))
    n_after = np.searchsorted(begins, ends, side="right") - np.arange(1, n + 1)
    n_pairs = int(n_after.sum())
    if n_pairs > MOST_PAIRS:
        raise InputError(
            f"{n_pairs:,} pairs of tracks overlap in time, and {MOST_PAIRS:,} are the most that can be held: "
            "raise min_overlap, or give the pairs that matter in a file"
        )
    left = np.repeat(np.arange(n), n_after)
    right = np.arange(n_pairs) - np.repeat(np.cumsum(n_after) - n_after, n_after) + left + 1
    return sorted_pairs(np.stack([order[left], order[right]], axis=1), len(spans))


def sorted_pairs(pairs: Integers, n_tracks: int) -> Integers:
    """Sort pairs of ``n_tracks``, the smaller index of each first, and drop repeats."""
    keys = np.sort(pairs.min(axis=1) * n_tracks + pairs.max(axis=1))
    keys = keys[np.diff(keys, prepend=-1) > 0]
    return np.stack(np.divmod(keys, max(n_tracks, 1)), axis=1)


def _shared_box_overlap(tracks: TrackSet, pairs: Integers) -> npt.NDArray[np.float64]:
    """Mean intersection over union of the boxes in the frames that both tracks have; NaN where there is none."""
    assert tracks.frames is not None
    counts = np.diff(tracks.offsets)
    swap = counts[pairs[:, 0]] > counts[pairs[:, 1]]
    shorter, longer = np.where(swap[:, None], pairs[:, ::-1], pairs).T
    moments, ranks = np.unique(tracks.frames, return_inverse=True)
    keys = np.repeat(np.arange(tracks.n_tracks), counts) * len(moments) + ranks
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    result = np.empty(len(pairs))
    chunks = np.cumsum(counts[shorter]) // _CHUNK_FACES
    for chunk in np.split(np.arange(len(pairs)), np.flatnonzero(np.diff(chunks)) + 1):
        n_faces = counts[shorter[chunk]]
        pair = np.repeat(np.arange(len(chunk)), n_faces)
        faces = np.arange(len(pair)) + np.repeat(tracks.offsets[shorter[chunk]] - np.cumsum(n_faces) + n_faces, n_faces)
        wanted = longer[chunk][pair] * len(moments) + ranks[faces]
        found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        shared = keys[found] == wanted
        overlap = _intersection_over_union(tracks, faces[shared], order[found[shared]])
        with np.errstate(invalid="ignore"):
            n_shared = np.bincount(pair[shared], minlength=len(chunk))
            result[chunk] = np.bincount(pair[shared], overlap, minlength=len(chunk)) / n_shared
    return result


def _intersection_over_union(tracks: TrackSet, left: Integers, right: Integers) -> npt.NDArray[np.float64]:
    assert tracks.boxes is not None
    one, other = (tracks.boxes[faces].astype(np.float64) for faces in (left, right))
    corner = np.maximum(one[:, :2], other[:, :2])
    opposite = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    shared = np.clip(opposite - corner, 0, None).prod(axis=1)
    area = one[:, 2:].prod(axis=1) + other[:, 2:].prod(axis=1) - shared
    return np.divide(shared, area, out=np.zeros(len(area)), where=area > 0)
