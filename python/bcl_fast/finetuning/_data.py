"""Unlabelled tracks made ready for fine-tuning: pairs held out, batches with tracks that cannot be one person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.checks import SMALLEST_NORM
from bcl_fast._utils.groups import linked_groups
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel
from bcl_fast.tracks import TrackPairs, TrackSet

FEWEST_HELD_OUT = 5  # pairs; of fewer the share says nothing


class HeldOut(NamedTuple):
    """What a model makes of the tracks and pairs held out.

    Losses are ``log(1 + exp(4 (d / t - 1)))`` of a squared distance ``d`` that is to be below the threshold ``t``, and
    the same with the sign changed where it is to be above: they tell a narrow escape from a wide one.

    Attributes
    ----------
    violated_must : float
        Of the faces of tracks of two faces or more, the share outside the ball around their track's centroid.
    violated_cannot : float
        Of the pairs of tracks known to be two people, the share within the threshold.
    together : ndarray of shape (n_tracks,), float64
        The loss of the first face of each track of two or more and its last, which are to be within the threshold.
    apart : ndarray of shape (n_pairs,), float64
        The loss of each pair of tracks known to be two people, which are to be beyond it.
    """

    violated_must: float
    violated_cannot: float
    together: NDArray[np.float64]
    apart: NDArray[np.float64]

    @property
    def loss(self) -> float:
        """Sum of the two mean losses."""
        return sum(float(losses.mean()) for losses in (self.together, self.apart) if len(losses))

    def surely_more_apart(self, other: HeldOut) -> bool:
        """Whether pairs of two people lose less than another model's, by two standard errors of the mean difference.

        Faces of one track draw near in any fine-tuning; that two people do not is what it may be taken for.
        """
        differences = other.apart - self.apart
        if len(differences) < 2:
            return False
        return bool(differences.mean() > 2 * differences.std(ddof=1) / len(differences) ** 0.5)


class Batch(NamedTuple):
    """Faces of some tracks.

    Attributes
    ----------
    tracks : ndarray of shape (n,), int64
        Tracks of the batch, sorted.
    partners : ndarray of shape (n,), int64
        For each track the place in the batch of one that it cannot be one with; -1: none.
    faces : ndarray of shape (faces_per_track, n, n_features), float32
        Random faces of each track, not scaled.
    """

    tracks: Integers
    partners: Integers
    faces: NDArray[np.float32]


class FinetuningData:
    """Tracks to fine-tune on, and tracks and pairs that are held out to see whether it helps.

    Tracks that are linked by cannot-link pairs, directly or through others, are held out together, as far as the share
    allows; a pair of a held-out track and another is not used. Where the pairs are too few to hold any out, the shares
    are measured on the tracks that are trained on.

    Parameters
    ----------
    tracks : TrackSet
        Labels are not looked at.
    pairs : TrackPairs
        The cannot-link pairs count; must-link pairs make one class of their tracks.
    held_out : float
        Share of the tracks, in [0, 1).
    rng : numpy.random.Generator

    Attributes
    ----------
    classes : ndarray of shape (n_tracks,), int64
        Class of each track: one for all tracks that must-link pairs join.
    n_classes : int
    cannot_link : ndarray of shape (n_pairs, 2), int64
        Pairs of tracks to train on.

    Raises
    ------
    InputError
        If there is no cannot-link pair, or no track has two faces.
    """

    def __init__(self, tracks: TrackSet, pairs: TrackPairs, held_out: float, rng: np.random.Generator) -> None:
        self.tracks = tracks
        self._lengths = np.diff(tracks.offsets)
        if len(pairs.cannot_link) == 0:
            why = "" if tracks.frames is not None else ", for they have no frames"
            raise InputError(f"fine-tuning wants tracks known to be two people, but none of the tracks are{why}")
        if self._lengths.max() < 2:
            raise InputError(f"fine-tuning wants tracks of two faces or more, got {tracks.n_tracks} tracks of one face")
        self.classes = linked_groups(pairs.must_link, tracks.n_tracks)
        self.n_classes = int(self.classes.max()) + 1
        held = _hold_out(pairs, tracks.n_tracks, held_out, rng)
        inside = held[pairs.cannot_link]
        if np.count_nonzero(inside.all(axis=1)) < FEWEST_HELD_OUT:
            held[:] = False
            inside[:] = False
        self.n_held_out = int(np.count_nonzero(held))
        self.cannot_link = pairs.cannot_link[~inside.any(axis=1)]
        self._training = np.flatnonzero(~held)
        self._partners = _Partners(self.cannot_link, tracks.n_tracks)
        watched = held if held.any() else ~held
        self._watched_pairs = pairs.cannot_link[watched[pairs.cannot_link].all(axis=1)]
        self._watched_tracks = tracks.select(watched & (self._lengths > 1))

    def look(self, model: EmbeddingModel, squared_radius: float) -> HeldOut:
        """See what a model makes of the tracks and pairs held out.

        Parameters
        ----------
        model : EmbeddingModel
        squared_radius : float
            Of the ball around a track's centroid that is to hold the track's faces.
        """
        threshold = model.distance_threshold
        outside, together = np.zeros(0, bool), np.zeros(0)
        if self._watched_tracks.n_tracks:
            faces = model.embed(self._watched_tracks.features).astype(np.float64)
            offsets = self._watched_tracks.offsets
            outside = _distances_to_centroids(faces, offsets) > squared_radius
            together = _log_loss(_squared_distances(faces[offsets[:-1]], faces[offsets[1:] - 1]) - threshold, threshold)
        points = model.embed_tracks(self.tracks).astype(np.float64)
        distances = _squared_distances(points[self._watched_pairs[:, 0]], points[self._watched_pairs[:, 1]])
        within = distances <= threshold
        return HeldOut(
            violated_must=float(outside.mean()) if len(outside) else 0.0,
            violated_cannot=float(within.mean()) if len(within) else 0.0,
            together=together,
            apart=_log_loss(threshold - distances, threshold),
        )

    def batches(self, rng: np.random.Generator, batch_size: int, faces_per_track: int) -> Iterator[Batch]:
        """Cut one permutation of the tracks after the other into batches, for ever; add tracks that cannot be one."""
        rest = np.empty(0, np.int64)
        while True:
            if len(rest) == 0:
                rest = rng.permutation(self._training)
            chosen, rest = rest[:batch_size], rest[batch_size:]
            partners = self._partners.draw(rng, chosen)
            batch = np.union1d(chosen, partners[partners >= 0])
            again = self._partners.draw(rng, batch)
            place = np.searchsorted(batch, again)
            found = (again >= 0) & (batch[np.minimum(place, len(batch) - 1)] == again)
            faces = np.stack([self.tracks.sample_faces(rng, batch) for _ in range(faces_per_track)])
            yield Batch(batch, np.where(found, place, -1), faces)


def _log_loss(excess: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    return np.logaddexp(0, 4 * excess / threshold)


def _squared_distances(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(((left - right) ** 2).sum(axis=1))


def _distances_to_centroids(points: NDArray[np.float64], offsets: Integers) -> NDArray[np.float64]:
    """Squared distance of each face to the centroid of its track, on the sphere: (n_faces,)."""
    sums = np.add.reduceat(points, offsets[:-1], axis=0)
    centroids = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), SMALLEST_NORM)
    return _squared_distances(points, np.repeat(centroids, np.diff(offsets), axis=0))


class _Partners:
    """The tracks that each track cannot be one with, in compressed rows."""

    def __init__(self, pairs: Integers, n_tracks: int) -> None:
        both = np.concatenate([pairs, pairs[:, ::-1]])
        self._tracks = both[np.argsort(both[:, 0], kind="stable"), 1]
        self._counts = np.bincount(both[:, 0], minlength=n_tracks)
        self._starts = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator, tracks: Integers) -> Integers:
        """Draw one of them for each track; -1 where there is none."""
        counts = self._counts[tracks]
        drawn = self._starts[tracks] + (rng.random(len(tracks)) * counts).astype(np.int64)
        return np.where(counts > 0, self._tracks[np.minimum(drawn, len(self._tracks) - 1)], -1)


def _hold_out(pairs: TrackPairs, n_tracks: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Choose tracks: of those in pairs whole groups that are linked, of the others any."""
    groups = linked_groups(np.concatenate(pairs), n_tracks)
    place = rng.permutation(int(groups.max()) + 1)[groups]
    order = np.argsort(place, kind="stable")  # groups in random order, each in order of its tracks
    paired = np.bincount(groups)[groups][order] > 1
    held = np.zeros(n_tracks, bool)
    for part in (order[paired], order[~paired]):
        held[part[: round(share * len(part))]] = True
    return held
