"""Many Python threads in the core at once, as without the GIL: each gets what it would get alone.

`make sanitize-thread` runs this under ThreadSanitizer.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bcl_fast import BallClustering, _core, average_linkage, complete_linkage, radius_graph

THREADS, ROUNDS = 6, 3
X = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
QUERIES = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)


def fitted() -> BallClustering:
    return BallClustering(6.0).fit(X)


CALLS: dict[str, Callable[[], object]] = {
    "complete": lambda: complete_linkage(X, 6.0).labels,
    "average": lambda: average_linkage(X, 4.0).labels,
    "merges": lambda: complete_linkage(X.astype(np.float64)).merges,
    "graph": lambda: radius_graph(X, 3.0).toarray(),
    "predict": lambda: fitted().predict(QUERIES),
    "grow": lambda: fitted().partial_fit(QUERIES).labels_,
}


def all_at_once(work: Callable[[int], object]) -> list[object]:
    """Call work in all threads, which begin together."""
    together = threading.Barrier(THREADS)

    def begin(thread: int) -> object:
        together.wait(60)
        return work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


@pytest.mark.parametrize("name", CALLS)
def test_all_threads_in_one_function(name):
    wanted = CALLS[name]()
    for results in all_at_once(lambda _: [CALLS[name]() for _ in range(ROUNDS)]):
        for result in results:
            np.testing.assert_array_equal(result, wanted)


def test_every_thread_in_another_function():
    names = list(CALLS)
    wanted = {name: call() for name, call in CALLS.items()}

    def work(thread: int) -> list[tuple[str, object]]:
        order = names[thread:] + names[:thread]
        return [(name, CALLS[name]()) for name in order]

    for results in all_at_once(work):
        for name, result in results:
            np.testing.assert_array_equal(result, wanted[name])


def test_one_execution_and_its_progress_serve_all_threads():
    calls: list[tuple[str, int, float]] = []
    shared = _core.Execution(2, lambda *said: calls.append(said))
    wanted = _core.radius_graph(X, 3.0, _core.Execution(1))
    for offsets, neighbors, *_ in all_at_once(lambda _: _core.radius_graph(X, 3.0, shared)):
        np.testing.assert_array_equal(offsets, wanted[0])
        np.testing.assert_array_equal(neighbors, wanted[1])
    assert len(calls) >= THREADS
    assert all(0 <= share <= 1 for _, _, share in calls)


def test_errors_stay_in_the_thread_that_made_them():
    def work(thread: int) -> object:
        if thread % 2:
            return complete_linkage(X, 6.0).n_clusters
        try:
            return _core.radius_graph(X, -1.0)
        except ValueError as error:
            return str(error)

    wanted = ["distance_threshold must be >= 0", complete_linkage(X, 6.0).n_clusters]
    assert all_at_once(work) == wanted * (THREADS // 2)


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has a GIL")
def test_the_core_leaves_an_interpreter_without_the_gil_as_it_is():
    assert not sys._is_gil_enabled()
