"""Simulated videos: what is promised about people, timelines and the feature model."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.simulate import World, simulate_episodes, simulate_movies, simulate_splits

SMALL_WORLD = World(n_features=16, identity_dimensions=4, nuisance_dimensions=3)


@pytest.fixture(scope="module")
def splits():
    return simulate_splits(0.05, seed=3)


@pytest.fixture(scope="module")
def episodes():
    """The paper's test set in size, with small features."""
    return simulate_episodes(12, 9740 / 12, seed=1, world=SMALL_WORLD)


def people_of(tracks, video):
    return tracks.labels[tracks.video_ids == video]


def squared_distances(x):
    x = x.astype(np.float64)
    norms = (x**2).sum(1)
    return norms[:, None] + norms - 2 * x @ x.T


def without_nuisance(features, world):
    """Project onto what is orthogonal to the nuisance."""
    axes = np.linalg.qr(world.nuisance_basis.T.astype(np.float64))[0]
    return features - features @ axes @ axes.T


def complete_linkage_nmi(features, labels):
    """NMI of SciPy's complete linkage on unit vectors, the true number of people known."""
    from scipy.cluster.hierarchy import fcluster, linkage

    from bcl_fast.evaluation import normalized_mutual_information

    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    clusters = fcluster(linkage(unit.astype(np.float64), "complete"), len(set(labels)), "maxclust")
    return normalized_mutual_information(labels, clusters)


def test_the_same_seed_gives_the_same_videos():
    first, again, other = (simulate_episodes(3, 60, seed=s, world=SMALL_WORLD) for s in (4, 4, 5))
    for name in ("features", "offsets", "track_ids", "video_ids", "labels", "frames"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert first.n_faces != other.n_faces or not np.array_equal(first.features, other.features)


@settings(deadline=None, max_examples=40)
@given(
    n_videos=st.integers(1, 5),
    tracks_per_video=st.floats(4, 80),
    faces_per_track=st.floats(1, 6),
    people_per_video=st.none() | st.floats(2, 60),
    seed=st.integers(0, 2**40),
)
def test_shapes_frames_and_people(n_videos, tracks_per_video, faces_per_track, people_per_video, seed):
    options = {"people_per_video": people_per_video, "faces_per_track": faces_per_track, "seed": seed}
    movies = simulate_movies(n_videos, tracks_per_video, world=SMALL_WORLD, **options)
    series = simulate_episodes(n_videos, tracks_per_video, n_series=1, world=SMALL_WORLD, **options)
    for tracks in (movies, series):
        assert tracks.n_tracks == round(n_videos * tracks_per_video)
        assert len(tracks.videos) == n_videos
        assert tracks.features.shape == (tracks.n_faces, 16)
        assert tracks.features.dtype == np.float32
        assert len(tracks.labels) == len(tracks.track_ids) == tracks.n_tracks
        assert len(set(zip(tracks.video_ids, tracks.track_ids, strict=True))) == tracks.n_tracks
        check_timeline(tracks)
        for video in tracks.videos:
            sizes = Counter(people_of(tracks, video)).values()
            assert 2 <= len(sizes) <= sum(sizes) / 2
            assert min(sizes) == 1 < max(sizes)


def check_timeline(tracks):
    """Frames of a track are contiguous, and tracks that overlap in time show different people."""
    assert tracks.frames.dtype == np.int64
    for first, last in zip(tracks.offsets[:-1], tracks.offsets[1:], strict=True):
        assert last > first
        np.testing.assert_array_equal(np.diff(tracks.frames[first:last]), 1)
    start, stop = tracks.frames[tracks.offsets[:-1]], tracks.frames[tracks.offsets[1:] - 1]
    assert start.min() >= 0
    overlap = (start[:, None] <= stop) & (start <= stop[:, None]) & (tracks.video_ids[:, None] == tracks.video_ids)
    same = tracks.labels[:, None] == tracks.labels
    np.fill_diagonal(overlap, False)
    assert not (overlap & same).any()


def test_about_half_the_tracks_share_the_screen(episodes):
    start, stop = episodes.frames[episodes.offsets[:-1]], episodes.frames[episodes.offsets[1:] - 1]
    shares = []
    for video in episodes.videos:
        here = episodes.video_ids == video
        overlap = (start[here][:, None] <= stop[here]) & (start[here] <= stop[here][:, None])
        shares.append((overlap.sum(1) > 1).mean())
    assert 0.4 < np.mean(shares) < 0.8


def test_identities_have_the_long_tail_of_the_paper(episodes):
    # The paper's 12 episodes: 295 people; mean shares: top three 0.60, people seen once 0.17, at most five times 0.43.
    sizes = [np.array(sorted(Counter(people_of(episodes, v)).values())) for v in episodes.videos]
    assert 220 < sum(len(s) for s in sizes) < 420
    assert 0.45 < np.mean([s[-3:].sum() / s.sum() for s in sizes]) < 0.7
    assert 0.12 < np.mean([(s == 1).mean() for s in sizes]) < 0.25
    assert 0.3 < np.mean([(s <= 5).mean() for s in sizes]) < 0.55
    assert np.std([len(s) for s in sizes]) > 4
    assert 7 < episodes.n_faces / episodes.n_tracks < 9


def test_the_long_tail_is_that_of_the_real_episodes(episodes, shared_data):
    real = []
    for file in sorted((shared_data / "bcl_release" / "ids").glob("*.ids")):
        names = [line.split(maxsplit=1)[1] for line in file.read_text().splitlines()[1:]]
        real.append(np.array(sorted(Counter(names).values())))
    simulated = [np.array(sorted(Counter(people_of(episodes, v)).values())) for v in episodes.videos]
    for statistic, tolerance in [
        (lambda s: s[-1] / s.sum(), 0.08),
        (lambda s: s[-3:].sum() / s.sum(), 0.1),
        (lambda s: (s == 1).mean(), 0.1),
        (lambda s: (s <= 5).mean(), 0.12),
        (lambda s: len(s) / s.sum() ** 0.5, 0.25),
    ]:
        assert np.mean([statistic(s) for s in simulated]) == pytest.approx(
            np.mean([statistic(s) for s in real]), abs=tolerance
        )


def test_regulars_appear_in_all_episodes_of_their_series_and_lead(episodes):
    for series in ("series1", "series2"):
        videos = [v for v in episodes.videos if v.startswith(series)]
        assert len(videos) == 6
        casts = [set(people_of(episodes, v)) for v in videos]
        regulars = set.intersection(*casts)
        assert len(regulars) == 6
        assert all(name.startswith(f"{series}-regular") for name in regulars)
        assert np.mean([np.isin(people_of(episodes, v), list(regulars)).mean() for v in videos]) > 0.6
        guests = [cast - regulars for cast in casts]
        assert sum(map(len, guests)) == len(set.union(*guests))


def test_episodes_can_do_without_regulars():
    tracks = simulate_episodes(2, 50, n_series=1, regulars=0, seed=0, world=SMALL_WORLD)
    assert not set(people_of(tracks, tracks.videos[0])) & set(people_of(tracks, tracks.videos[1]))


def test_splits_share_no_person_and_no_video(splits):
    for names in ([set(part.labels) for part in splits], [set(part.videos) for part in splits]):
        assert sum(map(len, names)) == len(set.union(*names))


def test_splits_scale_the_sizes_of_the_paper(splits):
    assert splits.train.n_tracks == round(0.05 * 61_774)
    assert splits.test.n_tracks == round(0.05 * 9_740)
    assert [len(part.videos) for part in splits] == [9, 2, 3]
    assert splits.train.n_features == 256


def test_the_smallest_splits_work():
    splits = simulate_splits(0.001, world=SMALL_WORLD)
    assert all(part.n_tracks >= 4 and len(set(part.labels)) >= 2 for part in splits)


def test_the_paper_scale_has_its_sizes():
    train = simulate_splits(1, world=World(n_features=2, identity_dimensions=1, nuisance_dimensions=1))
    assert (train.train.n_tracks, train.test.n_tracks) == (61_774, 9_740)
    assert [len(part.videos) for part in train] == [40, 8, 12]


def test_memory_is_at_most_twice_the_result():
    import tracemalloc

    simulate_movies(1, 10, seed=0)
    tracemalloc.start()
    tracks = simulate_movies(4, 2500, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * tracks.features.nbytes


def test_the_world_is_shared_by_seed_alone():
    world, same, other = World(), World(identity_norm=1.0, scene_norm=0.0), World(world_seed=1)
    np.testing.assert_array_equal(world.nuisance_basis, same.nuisance_basis)
    np.testing.assert_array_equal(world.identity_basis, same.identity_basis)
    assert not np.allclose(world.nuisance_basis, other.nuisance_basis)
    assert world.nuisance_basis.shape == (16, 256)
    assert world.identity_basis.shape == (24, 256)
    assert world.mean.shape == (256,)


def test_a_shift_turns_the_nuisance_and_nothing_else():
    world, shifted, other = World(), World(nuisance_shift=0.75), World(nuisance_shift=1.0)
    np.testing.assert_array_equal(shifted.mean, world.mean)
    np.testing.assert_array_equal(shifted.identity_basis, world.identity_basis)
    lengths = [np.linalg.norm(w.nuisance_basis, axis=1) for w in (world, shifted, other)]
    np.testing.assert_allclose(lengths[1], lengths[0], rtol=1e-4)
    cosines = [(w.nuisance_basis * world.nuisance_basis).sum(1) / lengths[0] ** 2 for w in (shifted, other)]
    np.testing.assert_allclose(cosines[0], 0.5, atol=1e-4)
    np.testing.assert_allclose(cosines[1], 0, atol=1e-4)


def test_a_shift_of_the_test_episodes_leaves_the_rest(splits):
    shifted = simulate_splits(0.05, seed=3, test_shift=0.5)
    for one, other in zip(splits[:2], shifted[:2], strict=True):
        np.testing.assert_array_equal(one.features, other.features)
    for field in ("labels", "frames", "offsets", "track_ids"):
        np.testing.assert_array_equal(getattr(shifted.test, field), getattr(splits.test, field))
    assert not np.array_equal(shifted.test.features, splits.test.features)


def test_every_norm_is_the_length_of_its_part():
    silent = dict.fromkeys(
        ["mean_norm", "identity_norm", "look_norm", "scene_norm", "track_norm", "face_norm", "noise_norm"], 0.0
    )
    for name in silent:
        tracks = simulate_movies(3, 300, seed=2, world=World(**(silent | {name: 5.0})))
        length = np.sqrt((tracks.features.astype(np.float64) ** 2).sum(1).mean())
        assert length == pytest.approx(5, rel=0.2), name
        within = np.diff(tracks.features[: tracks.offsets[1]], axis=0)
        assert (np.abs(within).max(initial=0) > 0) == (name in ("face_norm", "noise_norm")), name


def test_features_have_the_scale_of_a_cnn(splits):
    norms = np.linalg.norm(splits.test.features, axis=1)
    assert 10 < norms.mean() < 20
    assert norms.std() > 1


def test_nuisance_dominates_raw_features(splits):
    """Two tracks of one person are hardly closer than two people; without the nuisance they are."""
    tracks = splits.test
    means = tracks.mean_features()
    ratios = []
    for features in (means, without_nuisance(means, World())):
        squared = squared_distances(features)
        same = tracks.labels[:, None] == tracks.labels
        within = squared[same & ~np.eye(len(same), dtype=bool)].mean()
        ratios.append(within / squared[~same].mean())
    assert ratios[0] > 0.6
    assert ratios[1] < 0.4


def test_tracks_of_a_scene_share_their_light():
    """Different people seen one after the other resemble each other more than people from far apart."""
    tracks = simulate_movies(1, 600, seed=0)
    means = tracks.mean_features()
    squared, other = squared_distances(means), tracks.labels[:, None] != tracks.labels
    apart = np.abs(np.subtract.outer(np.arange(600), np.arange(600)))
    assert squared[(apart <= 3) & other].mean() < 0.9 * squared[(apart > 100) & other].mean()


def test_projecting_the_nuisance_out_helps(splits):
    """Raw features confuse people because of the nuisance and nothing else."""
    world, scores = World(), []
    for video in splits.test.videos:
        here = splits.test.select(splits.test.video_ids == video)
        means = here.mean_features()
        scores.append(
            [complete_linkage_nmi(x, here.labels) for x in (means, without_nuisance(means - world.mean, world))]
        )
    raw, projected = np.mean(scores, axis=0)
    assert 0.5 < raw < 0.8
    assert projected > 0.93


def test_the_nuisance_can_be_learned_from_other_people(splits):
    """Within-person scatter of the training movies shows the nuisance; whitening it helps on people never seen."""
    features, codes = splits.train.features, np.unique(splits.train.labels, return_inverse=True)[1]
    face_codes = np.repeat(codes, np.diff(splits.train.offsets))
    sums = np.zeros((codes.max() + 1, 256))
    np.add.at(sums, face_codes, features)
    person = sums / np.bincount(face_codes)[:, None]
    scatter = np.cov((features - person[face_codes]).T)
    nuisance = np.linalg.eigh(scatter).eigenvectors[:, -World().nuisance_dimensions :]
    scores = []
    for video in splits.test.videos:
        here = splits.test.select(splits.test.video_ids == video)
        means = here.mean_features() - World().mean
        scores.append([complete_linkage_nmi(x, here.labels) for x in (means, means - means @ nuisance @ nuisance.T)])
    raw, learned = np.mean(scores, axis=0)
    assert learned > raw + 0.15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: simulate_movies(0), "n_videos must be at least 1, got 0"),
        (lambda: simulate_movies(1, 3), "tracks_per_video must be at least 4, got 3"),
        (lambda: simulate_movies(1, float("nan")), "tracks_per_video must be at least 4, got nan"),
        (lambda: simulate_movies(1, people_per_video=1), "people_per_video must be at least 2, got 1"),
        (lambda: simulate_movies(1, faces_per_track=0.5), "faces_per_track must be at least 1, got 0.5"),
        (lambda: simulate_movies(1, seed=-1), "seed must be at least 0, got -1"),
        (lambda: simulate_episodes(0), "n_videos must be at least 1, got 0"),
        (lambda: simulate_episodes(2, n_series=3), r"n_series must be at most n_videos \(2\), got 3"),
        (lambda: simulate_episodes(2, n_series=0), "n_series must be at least 1, got 0"),
        (lambda: simulate_episodes(2, regulars=-1), "regulars must be at least 0, got -1"),
        (lambda: simulate_splits(0), "scale must be at least 0.001, got 0"),
        (lambda: simulate_splits(-1), "scale must be at least 0.001, got -1"),
        (lambda: simulate_splits(seed=-2), "seed must be at least 0, got -2"),
        (lambda: World(n_features=0), "n_features must be at least 1, got 0"),
        (lambda: World(face_norm=-1.0), "face_norm must be at least 0, got -1.0"),
        (lambda: World(world_seed=-1), "world_seed must be at least 0, got -1"),
    ],
)
def test_bad_numbers_get_a_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call()
