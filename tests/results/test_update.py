"""Tracks added to a result: old clusters keep numbers and names, new people get new numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast import BallClustering
from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel
from bcl_fast.models._heads import make_head
from bcl_fast.results import (
    ClusteringResult,
    Growth,
    cluster_tracks,
    count_violated,
    growth,
    name_clusters,
    read_names,
    read_result,
    update_result,
    write_result,
)
from bcl_fast.tracks import TrackPairs, TrackSet, write_tracks
from tests.helpers.cli import films, refused, run


def on_sphere(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = np.eye(4)[rng.integers(0, 4, n)] + 0.35 * rng.standard_normal((n, 4))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def tracks_of(points: np.ndarray, video: str = "old") -> TrackSet:
    return TrackSet.from_arrays(points, video_ids=video)


def numbered_anew(result: ClusteringResult, numbers) -> ClusteringResult:
    return replace(result, cluster_ids=np.asarray(numbers)[result.cluster_ids])


@pytest.mark.parametrize("linkage", ["complete", "average"])
@settings(deadline=None)
@given(
    n_old=st.integers(1, 30),
    n_new=st.integers(1, 20),
    threshold=st.sampled_from([0.0, 0.2, 0.6, 1.5]),
    seed=st.integers(0, 2**16),
)
def test_equals_the_estimator_that_goes_on(linkage, n_old, n_new, threshold, seed):
    before, added = on_sphere(n_old, seed), on_sphere(n_new, seed + 1)
    clustering = BallClustering(threshold, linkage=linkage).fit(before).partial_fit(added)
    old = cluster_tracks(tracks_of(before), before, threshold, linkage=linkage)
    numbers = np.random.default_rng(seed).permutation(100)[: old.n_clusters]
    old = numbered_anew(old, numbers)
    result = update_result(old, tracks_of(added, "new"), added, threshold, linkage=linkage)
    np.testing.assert_array_equal(result.cluster_ids[:n_old], old.cluster_ids)
    new_numbers = np.append(numbers, numbers.max() + 1 + np.arange(n_new))
    np.testing.assert_array_equal(result.cluster_ids, new_numbers[clustering.labels_])
    assert set(result.video_ids[n_old:]) == {"new"}
    assert sum(row.n_added for row in growth(old, result)) == n_new
    before_and_after = {cluster: np.sum(old.cluster_ids == cluster) for cluster in result.cluster_ids.tolist()}
    for row in growth(old, result):
        assert row.n_before == before_and_after[row.cluster_id]
        assert row.n_before + row.n_added == np.sum(result.cluster_ids == row.cluster_id)


def test_clusters_that_constraints_kept_apart_stay_apart():
    points = np.array([[1, 0], [1, 0.1], [0, 1]], np.float32)
    tracks = tracks_of(points)
    old = cluster_tracks(tracks, points, 0.5, pairs=TrackPairs(cannot_link=np.array([[0, 1]])))
    assert old.cluster_ids.tolist() == [0, 1, 2]
    result = update_result(old, tracks_of(points[1:], "new"), points[1:], 0.5)
    assert result.cluster_ids.tolist() == [0, 1, 2, 1, 2]


@given(seed=st.integers(0, 2**16), n_pairs=st.integers(1, 15))
@settings(deadline=None)
def test_pairs_of_new_tracks_hold(seed, n_pairs):
    old_points, points = on_sphere(12, seed), on_sphere(14, seed + 1)
    old = cluster_tracks(tracks_of(old_points), old_points, 0.9)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 14, (n_pairs, 2))
    pairs = TrackPairs(cannot_link=pairs[pairs[:, 0] != pairs[:, 1]])
    result = update_result(old, tracks_of(points, "new"), points, 0.9, pairs=pairs)
    assert count_violated(result.cluster_ids[12:], pairs.cannot_link) == 0
    assert result.violations.constrained == 0
    plain = update_result(old, tracks_of(points, "new"), points, 0.9)
    assert result.violations.without == count_violated(plain.cluster_ids[12:], np.unique(np.sort(pairs[1]), axis=0))


def test_must_link_draws_a_new_track_into_an_old_cluster():
    points = np.eye(3, dtype=np.float32)
    old = cluster_tracks(tracks_of(points), points, 0.1)
    both = TrackSet.from_arrays(points[[0, 2]], video_ids=["old", "new"], track_ids=["1", "1"])
    result = update_result(old, both, points[[1, 2]], 0.1, pairs=TrackPairs(must_link=np.array([[0, 1]])))
    assert result.cluster_ids.tolist() == [0, 1, 2, 1]  # track 1 of the old video is in cluster 1


def test_a_result_without_embeddings_wants_its_tracks():
    points = on_sphere(8, 0)
    tracks = tracks_of(points)
    old = replace(cluster_tracks(tracks.select(np.arange(5)), points[:5], 0.6), embeddings=None)
    result = update_result(old, tracks.select(np.arange(8)[::-1]), points[::-1], 0.6)
    assert result.track_ids.tolist() == ["0", "1", "2", "3", "4", "7", "6", "5"]
    np.testing.assert_array_equal(result.embeddings, points[[0, 1, 2, 3, 4, 7, 6, 5]])
    message = "has no embeddings, and 2 of its 5 tracks are not given: give the files of its tracks beside the new"
    with pytest.raises(InputError, match=message):
        update_result(old, tracks.select([2, 3, 4, 6]), points[[2, 3, 4, 6]], 0.6)


@pytest.mark.parametrize("size", [0, -1, 1.5, None, "two"])
def test_the_least_size_is_checked_before_the_work(size, monkeypatch):
    points = np.eye(4, dtype=np.float32)
    old = cluster_tracks(tracks_of(points), points, 0.1)
    monkeypatch.setattr("bcl_fast.results._update.extend_clusters", None)
    with pytest.raises(InputError, match=r"min_cluster_size must be (at least 1|a whole number), got"):
        update_result(old, tracks_of(points), points, 0.1, min_cluster_size=size)


def test_contradictions_are_named():
    points = np.eye(4, dtype=np.float32)
    old = numbered_anew(cluster_tracks(tracks_of(points), points, 0.1), [7, 3, 1, 2])
    with pytest.raises(InputError, match="must pairs join the clusters 7 and 3 of the result, which keep their"):
        update_result(old, tracks_of(points), points, 0.1, pairs=TrackPairs(must_link=np.array([[0, 1]])))
    new = TrackSet.from_arrays(points[:3], video_ids=["old", "new", "new"])
    contradiction = TrackPairs(np.array([[0, 1], [0, 2]]), np.array([[1, 2]]))
    with pytest.raises(InputError, match="track '1' of video 'new' and track '2' of video 'new' are two people, but"):
        update_result(old, new, points[:3], 0.1, pairs=contradiction)
    with pytest.raises(InputError, match="new embeddings must have the 4 dimensions of those in the result, got 3"):
        update_result(old, tracks_of(points[:, :3], "new"), points[:, :3], 0.1)
    with pytest.raises(InputError, match="distance_threshold must be a distance >= 0"):
        update_result(old, new, points[:3], np.nan)


def test_pairs_that_old_clusters_violate_are_left_with_a_warning():
    points = np.array([[1, 0], [1, 0.1]], np.float32)
    old = cluster_tracks(tracks_of(points), points, 0.5)
    with pytest.warns(UserWarning, match="1 pairs of two people share a cluster of the result already"):
        result = update_result(old, tracks_of(points), points, 0.5, pairs=TrackPairs(cannot_link=np.array([[0, 1]])))
    assert result.cluster_ids.tolist() == [0, 0]
    assert result.violations == (1, 1, 1)


# --- names


def test_names_stay_with_their_clusters(tmp_path):
    points = on_sphere(20, 3)
    old = name_clusters(cluster_tracks(tracks_of(points), points, 0.6), {1: "Ann", 0: "Bob, Jr."})
    for name in ("r.csv", "r.parquet"):
        write_result(old, tmp_path / name)
        read = read_result(tmp_path / name)
        np.testing.assert_array_equal(read.names, old.names)
        both = TrackSet.from_arrays(np.concatenate([points, points]), video_ids=["old"] * 20 + ["new"] * 20,
                                    track_ids=[*range(20), *range(20)])  # fmt: skip
        result = update_result(read, both, both.features, 0.6)
        assert set(result.names[result.cluster_ids == 1]) == {"Ann"}
        assert np.sum(result.cluster_ids == 1) == 2 * np.sum(old.cluster_ids == 1)
        assert {row.name for row in growth(old, result) if row.cluster_id == 0} == {"Bob, Jr."}
    renamed = name_clusters(old, {1: "Anna"})
    assert set(renamed.names[renamed.cluster_ids == 1]) == {"Anna"}
    assert set(renamed.names[renamed.cluster_ids == 0]) == {"Bob, Jr."}
    with pytest.raises(InputError, match="got one for cluster 99, which it lacks"):
        name_clusters(old, {99: "Cy"})


def test_growth_lists_the_largest_first():
    old = cluster_tracks(tracks_of(np.eye(2)), np.eye(2), 0.1)
    new = replace(old, cluster_ids=np.array([0, 1, 1, 2, 2, 2]), names=None)
    assert growth(old, new) == [Growth(2, "", 0, 3), Growth(1, "", 1, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have the columns cluster_id,name, got nothing"),
        ("id,name\n1,Ann\n", "must have the columns cluster_id,name, got id,name"),
        ("cluster_id,name,name\n1,Ann,Bob\n", "must have one column 'name', got 2 of that name"),
        ("cluster_id,name\nx,Ann\n", "line 2 of .* must hold the number of a cluster, got 'x'"),
        ("cluster_id,name\n" + "9" * 5000 + ",Ann\n", "line 2 of .* must hold the number of a cluster, got '9999"),
        ("cluster_id,name\n1,Ann\n1,Bob\n", "line 3 of .* gives cluster 1 a second name, 'Bob'"),
    ],
)
def test_bad_files_of_names(tmp_path, text, message):
    (tmp_path / "names.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_names(tmp_path / "names.csv")
    with pytest.raises(InputError, match=r"the file of names .*none.csv does not exist"):
        read_names(tmp_path / "none.csv")


# --- the command


@pytest.fixture
def folder(tmp_path):
    """A season, a new episode, and a model that only scales features."""
    for name, seed in (("season", 0), ("episode", 0)):
        write_tracks(films(1, seed=seed, prefix=name), tmp_path / f"{name}.parquet")
    EmbeddingModel(make_head("residual", 16), "residual", 0.1, 0.2).save(tmp_path / "m.safetensors")
    return tmp_path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_episode_is_added(folder, suffix):
    season, episode, model = folder / "season.parquet", folder / "episode.parquet", folder / "m.safetensors"
    assert run("cluster", season, "-m", model, "-o", folder / f"a.{suffix}").exit_code == 0
    (folder / "names.csv").write_text("cluster_id,name\n0,Ann\n")
    given = (episode,) if suffix == "parquet" else (season, episode)
    to = ("--update", folder / f"a.{suffix}", "--names", folder / "names.csv", "-o", folder / f"b.{suffix}")
    result = run("cluster", *given, "-m", model, *to)
    assert (result.exit_code, result.stdout) == (0, "")
    before, after = read_result(folder / f"a.{suffix}"), read_result(folder / f"b.{suffix}")
    np.testing.assert_array_equal(after.cluster_ids[: before.n_tracks], before.cluster_ids)
    assert set(after.names[after.cluster_ids == 0]) == {"Ann"}
    rows = [line.split() for line in result.stderr.splitlines() if line.strip()[:1].isdecimal() and ":" not in line]
    shown = {int(row[0]): int(row[-1]) for row in rows if row[-1].isdecimal()}
    assert shown == {row.cluster_id: row.n_added for row in growth(before, after)}
    again = run("cluster", *given, "-m", model, "--update", folder / f"b.{suffix}", "-o", folder / f"c.{suffix}")
    assert "no track is new" in again.stderr
    assert set(read_result(folder / f"c.{suffix}").names) == set(after.names)


def test_updates_that_cannot_be(folder):
    season, episode, model = folder / "season.parquet", folder / "episode.parquet", folder / "m.safetensors"
    run("cluster", season, "-m", model, "-o", folder / "a.parquet")
    run("cluster", season, "-m", model, "-o", folder / "a.csv")
    EmbeddingModel(make_head("residual", 16), "residual", 0.2, 0.2).save(folder / "other.safetensors")
    to = ("-o", folder / "b.parquet")
    assert "was made with another model" in refused(
        folder, "cluster", episode, "-m", folder / "other.safetensors", "--update", folder / "a.parquet", *to
    )
    assert "made with another model" in refused(
        folder, "cluster", episode, "--threshold", 1, "--update", folder / "a.parquet", *to
    )
    without = ("--constraints", "none")
    assert "24 of its 24 tracks are not given" in refused(
        folder, "cluster", episode, "-m", model, "--update", folder / "a.csv", *to, *without
    )
    assert "no.csv does not exist" in refused(folder, "cluster", episode, "-m", model, "--update", "no.csv", *to)
    for options, sentence in (
        (("--names", "n.csv"), "--names wants --update RESULT"),
        (("--update", folder / "a.csv", "--per-video"), "--update adds to all clusters"),
    ):
        result = run("cluster", episode, "-m", model, *to, *options)
        assert result.exit_code == 2
        assert sentence in result.stderr


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_goes_on_by_the_linkage_that_made_the_result(suffix, tmp_path):
    points = np.random.default_rng(5).normal(size=(60, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    tracks, first = tracks_of(points), tracks_of(points[:30])
    for linkage in ("average", "complete"):
        old = cluster_tracks(first, points[:30], 0.7, linkage=linkage)
        write_result(old, tmp_path / f"{linkage}{suffix}")
        read = read_result(tmp_path / f"{linkage}{suffix}")
        assert (read.linkage, read.distance_threshold) == (linkage, 0.7)
        added = update_result(read, tracks, points, 0.7)
        by_name = update_result(old, tracks, points, 0.7, linkage=linkage)
        np.testing.assert_array_equal(added.cluster_ids, by_name.cluster_ids)
        assert (added.linkage, added.distance_threshold) == (linkage, 0.7)
        other = "complete" if linkage == "average" else "average"
        with pytest.raises(InputError, match=f"^the result to add to was made by {linkage} linkage, got {other}: add"):
            update_result(read, tracks, points, 0.7, linkage=other)
    unsaid = replace(old, linkage=None, distance_threshold=None)
    write_result(unsaid, tmp_path / f"unsaid{suffix}")
    unsaid = read_result(tmp_path / f"unsaid{suffix}")
    assert (unsaid.linkage, unsaid.distance_threshold) == (None, None)
    assert update_result(unsaid, tracks, points, 0.7).linkage == "complete"
    assert update_result(unsaid, tracks, points, 0.7, linkage="average").linkage == "average"
