"""Tracks that a result has: known again by name and embedding, never taken for others in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bcl_fast.errors import InputError
from bcl_fast.results import cluster_tracks, read_result, update_result, write_result
from bcl_fast.results._result import COLUMNS
from bcl_fast.tracks import TrackSet, write_tracks
from tests.helpers.cli import refused, run

EYE = np.eye(6, dtype=np.float32)


def day(folder: Path, name: str, rows: np.ndarray) -> Path:
    (folder / name).mkdir()
    np.save(folder / name / "features.npy", rows)
    return folder / name / "features.npy"


def videos_of(path: Path) -> list[str]:
    return list(dict.fromkeys(read_result(path).video_ids.tolist()))


def cluster(folder: Path, *arguments: object):
    return run("cluster", *arguments, "--threshold", 0.5, "--constraints", "none")


def test_days_of_one_file_name_are_added_one_by_one(tmp_path):
    days = [day(tmp_path, f"day{number}", EYE[2 * number : 2 * number + 2]) for number in range(3)]
    cluster(tmp_path, days[0], "-o", tmp_path / "0.parquet")
    for number in (1, 2):
        to = ("--update", tmp_path / f"{number - 1}.parquet", "-o", tmp_path / f"{number}.parquet")
        result = cluster(tmp_path, days[number], *to)
        assert f"the video of {days[number]} is 'day{number}/features' in the result" in result.stderr
    assert videos_of(tmp_path / "2.parquet") == ["features", "day1/features", "day2/features"]
    assert read_result(tmp_path / "2.parquet").n_tracks == 6
    for given in ([days[1]], days, days[:1]):  # whatever else is given, a file is known again
        result = cluster(
            tmp_path, *given, "--update", tmp_path / "2.parquet", "-o", tmp_path / "again.parquet", "--force"
        )
        assert "no track is new" in result.stderr
    assert videos_of(tmp_path / "again.parquet") == ["features", "day1/features", "day2/features"]


def cluster_piped(rows: np.ndarray, folder: Path, *arguments: object):
    """Cluster rows that are piped, each a track of one frame, all of them on screen together."""
    table = pa.table({"track_id": range(len(rows)), "embedding": rows.tolist(), "frame": [7] * len(rows)})
    pq.write_table(table, folder / "piped")
    return run("cluster", "-", "--threshold", 0.5, *arguments, stdin=(folder / "piped").read_bytes())


def test_days_that_are_piped_are_added_one_by_one(tmp_path):
    assert cluster_piped(EYE[:2], tmp_path, "-o", tmp_path / "0.parquet").exit_code == 0
    for number in (1, 2):
        to = ("--update", tmp_path / f"{number - 1}.parquet", "-o", tmp_path / f"{number}.parquet")
        result = cluster_piped(EYE[2 * number : 2 * number + 2], tmp_path, *to)
        assert f"the video of standard input is 'stdin-{number + 1}' in the result" in result.stderr
    assert videos_of(tmp_path / "2.parquet") == ["stdin", "stdin-2", "stdin-3"]
    for number in range(3):
        again = ("--update", tmp_path / "2.parquet", "-o", tmp_path / "again.parquet", "--force")
        assert "no track is new" in cluster_piped(EYE[2 * number : 2 * number + 2], tmp_path, *again).stderr


def test_what_is_piped_is_no_other_video_of_that_name(tmp_path):
    write_tracks(TrackSet.from_arrays(EYE[:2], video_ids="stdin"), tmp_path / "named.parquet")
    (tmp_path / "named").mkdir()
    np.save(tmp_path / "named" / "stdin.npy", EYE[:2])
    for file in (tmp_path / "named.parquet", tmp_path / "named" / "stdin.npy"):
        result = cluster_piped(EYE[2:], tmp_path, file, "-o", tmp_path / "0.parquet")
        assert result.exit_code == 1
        assert "two videos must have two names, got 'stdin'" in result.stderr


def test_tracks_of_other_names_are_another_video(tmp_path):
    """Nothing says that the files are of one video, and people of two videos are not kept apart by their frames."""
    for number, name in enumerate("ab"):
        (tmp_path / name).mkdir()
        tracks = TrackSet.from_arrays(EYE[number : number + 1], track_ids=[name], video_ids="faces", frames=[7])
        np.savez(
            tmp_path / name / "faces.npz", features=tracks.features, track_id=tracks.track_ids.astype(str), frame=[7]
        )
    cluster(tmp_path, tmp_path / "a" / "faces.npz", "-o", tmp_path / "0.parquet")
    cluster(tmp_path, tmp_path / "b" / "faces.npz", "--update", tmp_path / "0.parquet", "-o", tmp_path / "1.parquet")
    assert videos_of(tmp_path / "1.parquet") == ["faces", "b/faces"]


def test_a_file_that_grew_is_the_same_video(tmp_path):
    file = day(tmp_path, "day", EYE[:2])
    cluster(tmp_path, file, "-o", tmp_path / "0.parquet")
    np.save(file, EYE[:4])
    cluster(tmp_path, file, "--update", tmp_path / "0.parquet", "-o", tmp_path / "1.parquet")
    assert videos_of(tmp_path / "1.parquet") == ["features"]
    assert read_result(tmp_path / "1.parquet").n_tracks == 4


def test_a_file_of_which_some_tracks_changed_is_refused(tmp_path):
    file = day(tmp_path, "day", EYE[:3])
    cluster(tmp_path, file, "-o", tmp_path / "0.parquet")
    np.save(file, EYE[[0, 1, 5]])
    to = ("--constraints", "none", "--update", tmp_path / "0.parquet", "-o", tmp_path / "1.parquet")
    message = refused(tmp_path, "cluster", file, "--threshold", 0.5, *to)
    assert "track '2' of video 'features' is in the result with another embedding: another video" in message


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_known_name_with_another_embedding_is_refused(tmp_path, suffix):
    for name, rows in (("one", EYE[:3]), ("other", EYE[3:])):
        write_tracks(TrackSet.from_arrays(rows, video_ids="film"), tmp_path / f"{name}.parquet")
    cluster(tmp_path, tmp_path / "one.parquet", "-o", tmp_path / f"r.{suffix}")
    message = refused(
        tmp_path, "cluster", tmp_path / "other.parquet", "--threshold", 0.5, "--constraints", "none",
        "--update", tmp_path / f"r.{suffix}", "-o", tmp_path / "b.parquet",
    )  # fmt: skip
    assert "track '0' of video 'film' is in the result with another embedding, as 2 more have" in message


def test_csv_of_another_day_is_refused(tmp_path):
    days = [day(tmp_path, name, rows) for name, rows in (("day1", EYE[:3]), ("day2", EYE[3:]))]
    cluster(tmp_path, days[0], "-o", tmp_path / "r.csv")
    to = ("--threshold", 0.5, "--constraints", "none", "--update", tmp_path / "r.csv", "-o", tmp_path / "b.csv")
    assert "3 of its 3 tracks are not given" in refused(tmp_path, "cluster", days[1], *to)
    assert cluster(tmp_path, *days, "--update", tmp_path / "r.csv", "-o", tmp_path / "b.csv").exit_code == 0
    assert videos_of(tmp_path / "b.csv") == ["features", "day2/features"]


def test_rounding_is_no_other_embedding():
    points = np.random.default_rng(0).standard_normal((5, 128)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    tracks = TrackSet.from_arrays(points)
    noisy = points + 1e-6 * np.random.default_rng(1).standard_normal(points.shape).astype(np.float32)
    old = cluster_tracks(tracks, points, 0.5)
    for result in (old, replace(old, embeddings=None)):
        assert update_result(result, tracks, noisy, 0.5).n_tracks == 5
        with pytest.raises(InputError, match=r"track '0' .* another embedding, as 4 more have"):
            update_result(result, tracks, points[::-1] + points, 0.5)


def test_fingerprints_stay_with_csv_alone(tmp_path):
    result = cluster_tracks(TrackSet.from_arrays(EYE), EYE, 0.5)
    for name in ("r.csv", "r.parquet"):
        write_result(result, tmp_path / name)
    assert (tmp_path / "r.csv").read_text().splitlines()[0] == ",".join(
        [*COLUMNS, "fingerprint", "linkage", "distance_threshold"]
    )
    np.testing.assert_allclose(read_result(tmp_path / "r.csv").fingerprints, result.fingerprints, atol=1e-6)
    assert read_result(tmp_path / "r.parquet").fingerprints is None


def old_result(**changes):
    return replace(cluster_tracks(TrackSet.from_arrays(EYE), EYE, 0.5), **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"track_ids": np.array(list("ab3453"), object)},
            r"hold each track once, got track '3' of video 'video' twice",
        ),
        (
            {"cluster_ids": np.array([0, 1, 2, 3, 4, -2])},
            r"must have numbers from 0 to 2\*\*62, or -1 for none",
        ),
        (
            {"cluster_ids": np.array([0, 1, 2, 3, 4, 2**63 - 1])},
            r"must have numbers from 0 to 2\*\*62, or -1 for none",
        ),
    ],
)
def test_results_that_cannot_be_added_to(changes, sentence, tmp_path):
    old, new = old_result(**changes), TrackSet.from_arrays(EYE, video_ids="new")
    with pytest.raises(InputError, match=sentence):
        update_result(old, new, EYE, 0.5)


def test_large_numbers_of_clusters_cost_nothing():
    old = old_result(cluster_ids=np.array([0, 10**15, 5, 6, 7, 8]))
    result = update_result(old, TrackSet.from_arrays(EYE[:1], video_ids="new"), EYE[:1], 0.5)
    assert result.cluster_ids.tolist() == [*old.cluster_ids.tolist(), 0]


def test_a_result_without_tracks_cannot_be_added_to(tmp_path):
    (tmp_path / "r.csv").write_text(",".join(COLUMNS) + "\n")
    np.save(tmp_path / "e.npy", EYE)
    to = ("--update", tmp_path / "r.csv", "-o", tmp_path / "b.csv", "--constraints", "none")
    message = refused(tmp_path, "cluster", tmp_path / "e.npy", "--threshold", 1, *to)
    assert "the result to add to must have at least one track, got none" in message
