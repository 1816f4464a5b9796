"""`_core.Execution`: threads and progress of every long call, passed once."""

from __future__ import annotations

import numpy as np
import pytest

from bcl_fast import _core
from tests.helpers.linkage import NO_PAIRS, identities

X = identities(3000, 16)


def radius_graph(execution: _core.Execution) -> int:
    _core.radius_graph(X, 0.2, execution)
    return len(X)


def complete_linkage(execution: _core.Execution) -> int:
    merges, _ = _core.complete_linkage(X, 0.2, 5000, None, NO_PAIRS, execution)
    return len(X) - len(merges)


def average_linkage(execution: _core.Execution) -> int:
    merges, _ = _core.average_linkage(X, 0.2, 5000, None, NO_PAIRS, execution)
    return len(X) - len(merges)


def graph_linkage(execution: _core.Execution) -> int:
    offsets, neighbors, distances, *_ = _core.radius_graph(X, 0.2)
    _core.graph_linkage(offsets, neighbors, distances.astype(np.float64), execution)
    return len(X)


def assign(execution: _core.Execution) -> int:
    _core.assign(X, 100, np.arange(len(X) - 100, dtype=np.int32), 0.2, execution)
    return len(X)


STAGES = {
    radius_graph: {"pairs"},
    complete_linkage: {"pairs", "merges"},
    average_linkage: {"pairs", "merges"},
    graph_linkage: {"merges"},
    assign: {"pairs"},
}


@pytest.mark.parametrize("call", STAGES)
@pytest.mark.parametrize("n_threads", [1, 2])
def test_stages_are_told_in_order_and_done_at_the_end(call, n_threads) -> None:
    told = []
    n_clusters = call(_core.Execution(n_threads, lambda *how_far: told.append(how_far)))
    assert {stage for stage, _, _ in told[:-1]} == STAGES[call]
    assert told[0][1:] == (len(X), 0.0)
    shares = [share for _, _, share in told]
    assert shares == sorted(shares)
    assert told[-1] == ("done", n_clusters, 1.0)


def test_one_serves_several_calls() -> None:
    told = []
    execution = _core.Execution(progress=lambda *how_far: told.append(how_far))
    for call in STAGES:
        call(execution)
    assert [stage for stage, _, _ in told].count("done") == len(STAGES)


@pytest.mark.parametrize("call", STAGES)
def test_what_progress_raises_ends_the_call(call) -> None:
    def progress(stage: str, n_clusters: int, share: float) -> None:
        raise RuntimeError(f"no more {stage}")

    with pytest.raises(RuntimeError, match=r"no more (pairs|merges)"):
        call(_core.Execution(progress=progress))


@pytest.mark.skipif(_core.cuda_version() >= 0, reason="this build has CUDA kernels")
def test_a_device_without_cuda_is_refused() -> None:
    with pytest.raises(ValueError, match="this build has no CUDA kernels"):
        _core.radius_graph(X, 0.2, _core.Execution(cuda_device=0))
    with pytest.raises(RuntimeError, match="BCL_CUDA=ON"):
        _core.cuda_device_count()
