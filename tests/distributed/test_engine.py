"""Clustering by the workers of a Ray cluster: the bits of one process."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bcl_fast import BallClustering, InputError, average_linkage, complete_linkage
from bcl_fast._utils.extras import is_installed
from bcl_fast.distributed import RayEngine, _linkage, _workers
from bcl_fast.errors import MissingExtraError
from tests.helpers.linkage import identities

if not is_installed("ray"):  # importing it here would be too early for what `connected` tells it
    pytest.skip("Ray is not installed: pip install 'bcl-fast[ray]'", allow_module_level=True)

TWO_TASKS = RayEngine(cores_per_task=1)  # at a time, and so two blocks


def assert_same(X: Any, threshold: float | None = None, *, engine: Any = TWO_TASKS, **options: Any) -> None:
    one = complete_linkage(X, threshold, **options)
    many = complete_linkage(X, threshold, engine=engine, **options)
    np.testing.assert_array_equal(many.merges, one.merges)
    np.testing.assert_array_equal(many.labels, one.labels)
    assert many.n_clusters == one.n_clusters


def pairs_apart(labels: npt.NDArray[np.int64], n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    pairs = rng.integers(0, len(labels), (n, 2))
    return pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]


def constrained(X: npt.NDArray[Any]) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    must_link = rng.integers(0, len(X), (40, 2))
    groups = complete_linkage(X, 0.0, must_link=must_link).labels
    return {"must_link": must_link, "cannot_link": pairs_apart(groups, 2000, rng)}


TIES = np.random.default_rng(0).integers(0, 6, (6000, 5)).astype(np.float64)
TWICE = np.concatenate([identities(5000, 16), identities(5000, 16)[:700]])
CASES: dict[str, tuple[npt.NDArray[Any], float | None, dict[str, Any]]] = {
    "nothing": (np.empty((0, 3)), 0.5, {}),
    "one": (np.ones((1, 3)), 0.5, {}),
    "few": (identities(60, 4), 0.5, {}),
    "float32": (identities(7000, 16), 0.6, {}),
    "everything, cosine": (identities(5000, 8).astype(np.float64) * 7, None, {"metric": "cosine"}),
    "ties and duplicates": (TIES, 3.0, {}),
    "duplicates under constraints": (TWICE, 0.6, constrained(TWICE)),
    "a number of clusters": (identities(5000, 8), None, {"n_clusters": 9, "metric": "euclidean"}),
    "limits": (identities(5000, 8), 0.2, {"max_clusters": 300, "min_cluster_size": 3}),
    "little memory of a worker": (identities(9000, 16), 0.6, {"memory_limit": 8_000_000}),
    "groups": (identities(33_000, 12), 0.25, {"n_jobs": 2}),
}


@pytest.mark.parametrize("name", CASES)
def test_same_bits_as_one_process(workers, name):
    X, threshold, options = CASES[name]
    assert_same(X, threshold, **options)


@pytest.mark.parametrize("memory_limit", [None, 5_000_000])
def test_no_memory_shows_where_pairs_tie(workers, memory_limit):
    """Corners of a cube: far more pairs at one distance than fit, and a worker's tasks hold fewer still."""
    corners = ((np.arange(1 << 12)[:, None] >> np.arange(12)) & 1).astype(np.float32)
    X = np.random.default_rng(1).permutation(corners)
    one = complete_linkage(X, 4.0)
    many = complete_linkage(X, 4.0, engine="ray", memory_limit=memory_limit)
    np.testing.assert_array_equal(many.merges, one.merges)
    np.testing.assert_array_equal(many.labels, one.labels)


@pytest.mark.parametrize("name", ["float32", "ties and duplicates", "groups"])
@pytest.mark.parametrize("fewest_of_one_block", [0, 1 << 17])
def test_same_bits_from_tasks_of_two_threads(workers, name, fewest_of_one_block, monkeypatch):
    monkeypatch.setattr(_linkage, "_FEWEST_OF_ONE_BLOCK", fewest_of_one_block)
    X, threshold, options = CASES[name]
    assert_same(X, threshold, engine="ray", **options)


def test_estimator_and_progress(workers):
    X, seen = identities(5000, 16), []
    one = BallClustering(0.6).fit(X)
    many = BallClustering(0.6, engine="ray", progress=seen.append).fit(X)
    np.testing.assert_array_equal(one.labels_, many.labels_)
    np.testing.assert_array_equal(one.distances_, many.distances_)
    np.testing.assert_array_equal(one.predict(X[:50] + 0.01), many.predict(X[:50] + 0.01))
    shares = [told.share for told in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert seen[-1][:3] == ("done", many.n_clusters_, 1.0)
    assert {told.stage for told in seen} == {"pairs", "merges", "done"}
    assert len({told.share for told in seen if told.stage == "pairs"}) > 3  # task after task


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Return the blocks of all tasks that look for pairs."""
    asked: list[tuple[int, ...]] = []
    do = _workers.Workers.do

    def watched(self: Any, calls: Any, **how: Any) -> Any:
        def noted() -> Any:
            for call in calls:
                if call.task is _linkage._tasks.closest_pairs:
                    asked.append(call.key)
                yield call

        return do(self, noted(), **how)

    monkeypatch.setattr(_workers.Workers, "do", watched)
    return asked


def test_tasks_of_blocks_too_far_apart_do_not_exist(workers, asked):
    rng = np.random.default_rng(0)
    near = identities(9000, 8)
    assert_same(near, 0.3)
    n_near = len(asked)
    asked.clear()
    far = np.sort(rng.normal(size=(9000, 1)), axis=0) * 100 + 0.01 * rng.normal(size=(9000, 8))
    assert_same(far, 0.02)
    assert {len(set(key)) for key in asked} == {1, 2}  # neighbours touch
    assert max(abs(key[-1] - key[0]) for key in asked) == 1
    assert n_near > len(asked) / 2


def test_more_cores_get_more_blocks_with_the_next_rung(workers, asked, monkeypatch):
    monkeypatch.setattr(_workers.Workers, "n_threaded", property(lambda _: 5 if asked else 1))
    assert_same(identities(9000, 8), 1.0)
    assert asked[:3] == [(0,), (1,), (0, 1)]
    assert max(map(max, asked)) == 3  # of four


def test_tasks_have_the_cores_that_there_are(workers):
    at_once = [_workers.Workers(*arguments).n_threaded for arguments in ((), (1,), (0, None, 1), (1, None, 1), (9,))]
    assert at_once == [1, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"engine": "dask"}, r"^engine must be 'local', 'ray' or a RayEngine, got 'dask'$"),
        ({"metric": "precomputed"}, r"^engine='ray' is for vectors, got metric 'precomputed'$"),
        ({"memory_limit": 1000}, r"needs a memory_limit of at least [\d,]+ bytes, got 1,000$"),
        ({"memory_limit": 10**18}, r"^no node of the Ray cluster has memory for more than [\d,]+ bytes, got 1,000,"),
        ({"engine": RayEngine(cores_per_task=3)}, r"^a node of the Ray cluster has 2 cores at most, got cores"),
        ({"engine": RayEngine("127.0.0.1:1")}, r"^this process is connected to a Ray cluster already: no other"),
        ({"n_clusters": 10}, "exclude each other"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(workers, change, says):
    with pytest.raises(InputError, match=says):
        complete_linkage(identities(300, 4), 0.5, **({"engine": "ray"} | change))


@pytest.mark.parametrize("cores", [0, -1, 1.5, "all", True])
def test_cores_that_are_no_number(cores):
    with pytest.raises(InputError, match=r"^cores_per_task must be "):
        RayEngine(cores_per_task=cores)


def test_average_linkage_says_why_not(workers):
    with pytest.raises(InputError, match=r"^engine='ray' is for complete linkage: average linkage merges by the means"):
        average_linkage(identities(300, 4), 0.5, engine="ray")


def test_a_cluster_larger_than_a_worker_may_hold(workers):
    X, chain = identities(6000, 4), np.arange(5000)
    with pytest.raises(InputError, match=r"^a cluster has grown to [\d,]+ points, and memory_limit allows a worker"):
        complete_linkage(X, 0.1, engine="ray", memory_limit=5_000_000, must_link=np.stack([chain, chain + 1], 1))


def test_versions_that_differ(workers, monkeypatch):
    monkeypatch.setattr(_workers, "versions", lambda: {"bcl_fast": "0.0.1"})
    with pytest.raises(InputError, match=r"^driver and workers must have the same bcl_fast, got 0.0.1 and \d"):
        complete_linkage(identities(300, 4), 0.5, engine="ray")


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"^engine='ray' wants ray, .*: pip install 'bcl-fast\[ray\]'$"):
        complete_linkage([[0.0]], 0.5, engine="ray")
