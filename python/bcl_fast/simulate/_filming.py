"""One film: who is in it, how its tracks lie on the timeline, and what the faces look like as features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bcl_fast._utils.types import Floats, Integers, Names
from bcl_fast.simulate._world import World
from bcl_fast.tracks import TrackSet

_LEAD_TO_LEAST = 300  # how much more often the first lead is seen than the last who is seen twice
_SHOT_SIZES = (0.5, 0.35, 0.1, 0.05)  # share of shots with one, two, three and four people
_SHOTS_PER_SCENE = 10
_CHUNK_FACES = 16_384  # faces drawn at once; part of what a seed means


def cast_of(
    rng: np.random.Generator, video: str, n_tracks: int, people_per_video: float | None, leads: Sequence[str] = ()
) -> Names:
    """Person of each track of a video: shares fall geometrically from the lead on; singletons come last."""
    typical = 0.8 * n_tracks**0.5 if people_per_video is None else people_per_video
    n_people = int(np.clip(round(typical * np.exp(0.4 * rng.standard_normal())), 2, n_tracks // 2))
    n_singletons = max(1, round(0.2 * n_people))
    n_others = n_people - n_singletons
    prominence = -np.log(_LEAD_TO_LEAST) * np.arange(n_others) / n_others + 0.4 * rng.standard_normal(n_others)
    shares = np.exp(prominence) / np.exp(prominence).sum()
    tracks = 2 + rng.multinomial(n_tracks - n_singletons - 2 * n_others, shares)
    known = leads[:n_others]
    names = [*known, *(f"{video}-person{p + 1:03d}" for p in range(len(known), n_people))]
    return np.repeat(np.array(names, dtype=object), np.append(tracks, np.ones(n_singletons, np.int64)))


def film(
    rng: np.random.Generator, videos: list[str], casts: list[Names], faces_per_track: float, world: World
) -> TrackSet:
    """Put the tracks of each cast on the timeline of its video and draw their faces."""
    labels: list[Names] = []
    lengths: list[Integers] = []
    starts: list[Integers] = []
    scenes: list[Integers] = []
    for cast in casts:
        length = rng.geometric(1 / faces_per_track, len(cast)).astype(np.int64)
        order, start, scene = _timeline(rng, np.unique(cast, return_inverse=True)[1], length)
        labels.append(cast[order])
        lengths.append(length[order])
        starts.append(start)
        scenes.append(scene + (scenes[-1][-1] + 1 if scenes else 0))
    n_faces = np.concatenate(lengths)
    offsets = np.append(0, np.cumsum(n_faces))
    people = np.unique(np.concatenate(labels), return_inverse=True)[1]
    return TrackSet.from_arrays(
        features=_features(rng, world, people, np.concatenate(scenes), n_faces),
        offsets=offsets,
        track_ids=[f"{t + 1:05d}" for cast in casts for t in range(len(cast))],
        video_ids=np.repeat(videos, [len(cast) for cast in casts]),
        labels=np.concatenate(labels),
        frames=np.arange(offsets[-1]) + np.repeat(np.concatenate(starts) - offsets[:-1], n_faces),
    )


def _timeline(rng: np.random.Generator, people: Integers, lengths: Integers) -> tuple[Integers, Integers, Integers]:
    """Order the tracks of a video into shots of one to four different people, and the shots into scenes.

    Minor people keep to a stretch of the video. Tracks of a shot start within three frames of each other; shots do not
    overlap, so tracks that overlap in time never show the same person. Returns the order, and the first frame and the
    scene of the tracks so ordered.
    """
    stretch = np.minimum(1, 8 * np.bincount(people) / len(people))
    moment = rng.random(len(stretch))[people] + stretch[people] * rng.random(len(people))
    order = np.argsort(moment % 1)
    shot = _shots(rng, people[order])
    first = np.flatnonzero(np.diff(shot, prepend=-1))
    delay = rng.integers(0, 3, len(people))
    duration = np.maximum.reduceat(delay + lengths[order], first)
    start = np.cumsum(duration + 1) - duration - 1
    scene = np.cumsum(rng.random(len(first)) < 1 / _SHOTS_PER_SCENE, dtype=np.int64)
    return order, start[shot] + delay, scene[shot]


def _shots(rng: np.random.Generator, people: Integers) -> Integers:
    """Shot of each track in order; a person who would be twice in a shot opens the next one."""
    sizes = rng.choice(len(_SHOT_SIZES), len(people), p=_SHOT_SIZES) + 1
    shot = np.repeat(np.arange(len(people)), sizes)[: len(people)]
    for lag in range(1, len(_SHOT_SIZES)):
        twice = (people[lag:] == people[:-lag]) & (shot[lag:] == shot[:-lag])
        opens = np.diff(shot, prepend=-1) > 0
        opens[lag:] |= twice
        shot = np.cumsum(opens) - 1
    return shot


def _features(rng: np.random.Generator, world: World, people: Integers, scenes: Integers, n_faces: Integers) -> Floats:
    """Feature vectors of all faces, track after track; the result is the only array of that size."""
    identity, nuisance = world.identity_basis, world.nuisance_basis

    def normal(*shape: int) -> Floats:
        return rng.standard_normal(shape, dtype=np.float32)

    person, look = normal(people.max() + 1, len(identity)), normal(len(people), len(identity))
    pose, light = normal(len(people), len(nuisance)), normal(scenes.max() + 1, len(nuisance))
    common = world.mean + (world.identity_norm * person[people] + world.look_norm * look) @ identity
    common += (world.track_norm * pose + world.scene_norm * light[scenes]) @ nuisance
    track = np.repeat(np.arange(len(people)), n_faces)
    features = np.empty((len(track), world.n_features), np.float32)
    for first in range(0, len(track), _CHUNK_FACES):
        chunk = features[first : first + _CHUNK_FACES]
        rng.standard_normal(out=chunk, dtype=np.float32)
        chunk *= world.noise_norm / world.n_features**0.5
        chunk += world.face_norm * (normal(len(chunk), len(nuisance)) @ nuisance)
        chunk += common[track[first : first + _CHUNK_FACES]]
    return features
