"""Movies and episodes with the statistics of the paper, for demos, tests and benchmarks.

Identities are long-tailed: a few leads hold most tracks, about half the people have five or fewer, one person in five
is seen in a single track. Pose and light are a strong, low-rank *nuisance*: its subspace is the same in all videos of a
``World``, so a head trained on some people can learn to ignore it for others, while raw features confuse people.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bcl_fast._utils.checks import check_at_least, check_share, whole_at_least
from bcl_fast._utils.memory import free_memory
from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.simulate._filming import cast_of, film
from bcl_fast.simulate._world import World
from bcl_fast.tracks import Splits, TrackSet

PAPER_TRAIN_TRACKS = 61_774
PAPER_TEST_TRACKS = 9_740

_MOVIES, _VALIDATION_MOVIES, _EPISODES = 40, 8, 12  # videos of the splits at scale 1
_MIN_TRACKS = 4  # per video
_FACES_PER_TRACK = 8


def simulate_movies(
    n_videos: int = 12,
    tracks_per_video: float = 450,
    *,
    people_per_video: float | None = None,
    faces_per_track: float = _FACES_PER_TRACK,
    seed: int = 0,
    world: World | None = None,
    prefix: str = "movie",
) -> TrackSet:
    """Simulate labelled movies; nobody appears in two of them.

    Parameters
    ----------
    n_videos : int, default 12
        Number of movies.
    tracks_per_video : float, default 450
        Mean number of face tracks per movie, at least 4. The sizes vary; their sum is ``n_videos * tracks_per_video``,
        rounded.
    people_per_video : float, optional
        Typical number of people per movie, at least 2 (movies vary, by about 1.5 times either way); never more than
        half the tracks. By default 0.8 times the square root of the movie's tracks, as in the paper's test episodes.
    faces_per_track : float, default 8
        Mean number of faces per track, at least 1; lengths are geometric, one frame per face.
    seed : int, default 0
        Seed of the people, the timelines and the noise. The same arguments give the same arrays.
    world : World, optional
        The feature model; ``World()`` by default. Share it between training and test videos.
    prefix : str, default "movie"
        Start of the names of videos and people: video ``movie01``, person ``movie01-person003``. Sets that are put
        together need different prefixes.

    Returns
    -------
    TrackSet
        Tracks in order of time within each video, with ``labels`` and ``frames``; features float32, not normalised.

    Raises
    ------
    InputError
        If a number is too small, or the features do not fit into memory.
    """
    n_videos, seed = _check(n_videos, tracks_per_video, people_per_video, faces_per_track, seed)
    world = _fitting(world, n_videos * tracks_per_video * faces_per_track)
    rng = np.random.default_rng(seed)
    names = [f"{prefix}{v + 1:02d}" for v in range(n_videos)]
    sizes = _video_sizes(rng, n_videos, tracks_per_video)
    casts = [cast_of(rng, name, size, people_per_video) for name, size in zip(names, sizes, strict=True)]
    return film(rng, names, casts, faces_per_track, world)


def simulate_episodes(
    n_videos: int = 4,
    tracks_per_video: float = 240,
    *,
    n_series: int = 2,
    regulars: int = 6,
    people_per_video: float | None = None,
    faces_per_track: float = _FACES_PER_TRACK,
    seed: int = 0,
    world: World | None = None,
    prefix: str = "series",
) -> TrackSet:
    """Simulate labelled episodes of a few series; the regulars of a series hold most tracks in each of its episodes.

    Parameters
    ----------
    n_videos : int, default 4
        Number of episodes, dealt evenly to the series in turn.
    tracks_per_video : float, default 240
        Mean number of face tracks per episode, at least 4.
    n_series : int, default 2
        Number of series; at most ``n_videos``.
    regulars : int, default 6
        People of a series who appear in all its episodes, fewer where an episode has fewer people. Everyone else
        appears in one episode only.
    people_per_video, faces_per_track, seed, world
        As for `simulate_movies`.
    prefix : str, default "series"
        Start of the names: video ``series1-episode01``, regular ``series1-regular02``, others
        ``series1-episode01-person009``.

    Returns
    -------
    TrackSet
        As from `simulate_movies`.

    Raises
    ------
    InputError
        If a number is too small, there are more series than episodes, or the features do not fit into memory.
    """
    n_videos, seed = _check(n_videos, tracks_per_video, people_per_video, faces_per_track, seed)
    world = _fitting(world, n_videos * tracks_per_video * faces_per_track)
    n_series, regulars = whole_at_least("n_series", n_series, 1), whole_at_least("regulars", regulars, 0)
    if n_series > n_videos:
        raise InputError(f"n_series must be at most n_videos ({n_videos}), got {n_series}")
    rng = np.random.default_rng(seed)
    series = np.sort(np.arange(n_videos) % n_series)
    names = [f"{prefix}{s + 1}-episode{np.sum(series[:v] == s) + 1:02d}" for v, s in enumerate(series)]
    sizes = _video_sizes(rng, n_videos, tracks_per_video)
    casts = []
    for name, size, s in zip(names, sizes, series, strict=True):
        leads = [f"{prefix}{s + 1}-regular{r + 1:02d}" for r in rng.permutation(regulars)]
        casts.append(cast_of(rng, name, size, people_per_video, leads))
    return film(rng, names, casts, faces_per_track, world)


def simulate_splits(
    scale: float = 0.1, seed: int = 0, *, world: World | None = None, test_shift: float = 0.0
) -> Splits:
    """Simulate movies to train and validate on, and episodes to test on.

    At ``scale=1`` the training and test sets have the sizes of the paper: 61,774 tracks, here in 40 movies, and 9,740
    tracks in two series of six episodes. The 8 validation movies are about as long as the training movies. Number of
    videos and tracks per video both grow with the square root of ``scale``.

    Parameters
    ----------
    scale : float, default 0.1
        Share of the paper's number of tracks, at least 0.001.
    seed : int, default 0
        Seed of everything that is not the world's.
    world : World, optional
        The feature model of all three sets; ``World()`` by default.
    test_shift : float, default 0
        Domain shift of the test episodes: the ``nuisance_shift`` of their world. Everything else is as without.

    Returns
    -------
    Splits
        ``train``, ``val`` and ``test``; no person is in two of them.

    Raises
    ------
    InputError
        If ``scale`` is too small, or so large that features do not fit into memory, or ``test_shift`` not in 0 to 1.
    """
    check_at_least("scale", scale, 0.001)
    check_share("test_shift", test_shift)
    seed = whole_at_least("seed", seed, 0)
    world = _fitting(world, _FACES_PER_TRACK * PAPER_TRAIN_TRACKS * scale)
    movies, validation, episodes = (max(1, round(n * scale**0.5)) for n in (_MOVIES, _VALIDATION_MOVIES, _EPISODES))
    movie_tracks = max(_MIN_TRACKS, PAPER_TRAIN_TRACKS * scale / movies)
    episode_tracks = max(_MIN_TRACKS, PAPER_TEST_TRACKS * scale / episodes)
    train_seed, val_seed, test_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(3))
    return Splits(
        simulate_movies(movies, movie_tracks, seed=train_seed, world=world),
        simulate_movies(validation, movie_tracks, seed=val_seed, world=world, prefix="valmovie"),
        simulate_episodes(
            episodes,
            episode_tracks,
            n_series=min(2, episodes),
            seed=test_seed,
            world=replace(world, nuisance_shift=test_shift) if test_shift else world,
        ),
    )


def _check(
    n_videos: int, tracks_per_video: float, people_per_video: float | None, faces_per_track: float, seed: int
) -> tuple[int, int]:
    """Return the number of videos and the seed."""
    check_at_least("tracks_per_video", tracks_per_video, _MIN_TRACKS)
    check_at_least("faces_per_track", faces_per_track, 1)
    if people_per_video is not None:
        check_at_least("people_per_video", people_per_video, 2)
    return whole_at_least("n_videos", n_videos, 1), whole_at_least("seed", seed, 0)


def _fitting(world: World | None, n_faces: float) -> World:
    """Return the world, in which features of so many faces must fit into memory: people take long to invent in vain."""
    world = world or World()
    n_bytes, free = 4.0 * n_faces * world.n_features, free_memory()
    if n_bytes > free:
        raise InputError(f"features must fit into the {free / 1e9:.1f} GB of free memory, got {n_bytes / 1e9:.3g} GB")
    return world


def _video_sizes(rng: np.random.Generator, n_videos: int, tracks_per_video: float) -> Integers:
    """Tracks of each video: of varying size, summing to exactly ``n_videos * tracks_per_video``, rounded."""
    total = round(n_videos * tracks_per_video)
    weights = np.exp(0.25 * rng.standard_normal(n_videos))
    edges = np.round(np.cumsum(weights) / weights.sum() * (total - _MIN_TRACKS * n_videos))
    return _MIN_TRACKS + np.diff(edges, prepend=0).astype(np.int64)
