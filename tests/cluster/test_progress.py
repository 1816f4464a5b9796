"""How far a clustering says it is."""

from __future__ import annotations

import re
import sys
import time

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from bcl_fast import BallClustering, complete_linkage, linkage, radius_graph
from bcl_fast.cluster import Progress
from bcl_fast.errors import InputError
from tests.helpers.linkage import identities
from tests.helpers.processes import shown_on_a_terminal


def assert_is_a_course(seen: list[Progress]) -> None:
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] <= 1
    assert all(progress.seconds_left >= 0 for progress in seen)


def test_rungs_are_told_stage_by_stage():
    X = identities(20_000, 16)
    seen = []
    result = complete_linkage(X, 0.3, memory_limit=11_000_000, progress=seen.append)
    assert_is_a_course(seen)
    assert seen[0] == Progress("pairs", 20_000, 0.0, np.inf)
    assert seen[-1] == Progress("done", result.n_clusters, 1.0, 0.0)
    stages = [progress.stage for progress in seen if progress.stage != "done"]
    turns = [stage for i, stage in enumerate(stages) if i == 0 or stage != stages[i - 1]]
    assert len(turns) >= 4
    assert turns == ["pairs", "merges"] * (len(turns) // 2)
    sizes = [progress.n_clusters for progress in seen]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_long_stage_is_told_on_its_way(n_jobs):
    X = np.random.default_rng(0).normal(size=(120_000, 32)).astype(np.float32)
    for _ in range(20):  # with two threads, the one that tells may find all the work done
        seen = []

        def tell(progress, seen=seen):
            seen.append(progress)
            if len(seen) == 1:
                time.sleep(0.1)  # then the next word, of ten a second at most, is due

        radius_graph(X, 0.0, n_jobs=n_jobs, progress=tell)
        assert_is_a_course(seen)
        assert {progress[:2] for progress in seen} == {("pairs", 120_000), ("done", 120_000)}
        if any(0 < progress.share < 1 for progress in seen):
            return
    pytest.fail("nothing was told between the start and the end")


@pytest.mark.parametrize(
    "run",
    [
        lambda X, progress: linkage(X, progress=progress),
        lambda X, progress: radius_graph(X, 0.3, progress=progress),
        lambda X, progress: BallClustering(0.3, progress=progress).fit(X),
        lambda X, progress: complete_linkage(squareform(pdist(X)), metric="precomputed", progress=progress),
    ],
    ids=["linkage", "radius_graph", "BallClustering", "precomputed"],
)
def test_everything_long_tells(run):
    seen = []
    run(identities(200, 4), seen.append)
    assert_is_a_course(seen)
    assert seen[0].share == 0
    assert seen[-1][::2] == ("done", 1.0)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_it_raises_ends_the_call(n_jobs):
    def stop(progress):
        raise RuntimeError(f"stopped at {progress.stage}")

    with pytest.raises(RuntimeError, match="stopped at pairs"):
        complete_linkage(identities(3000, 8), 0.3, progress=stop, n_jobs=n_jobs)
    assert complete_linkage([[0.0], [1.0]], 1.0).n_clusters == 1  # the threads are fit for more


def test_progress_must_be_callable():
    with pytest.raises(InputError, match="progress must be None or a function of one Progress, got 3"):
        complete_linkage([[0.0], [1.0]], 1.0, progress=3)


def test_a_bar_on_a_terminal_and_a_sentence_after_it(tmp_path):
    np.save(tmp_path / "X.npy", identities(3000, 8))
    arguments = ["cluster", "X.npy", "--threshold", "0.3", "-o", "clusters.csv"]
    shown = shown_on_a_terminal([sys.executable, "-m", "bcl_fast", *arguments], tmp_path)
    bar, sentence = shown[: shown.rindex("\x1b[2K")], shown[shown.rindex("\x1b[2K") :]  # the bar is wiped away
    assert "100 %" in bar
    assert re.search(r"-> clusters\.csv\s", sentence)
