"""The compiled core through NumPy alone, so that `make sanitize` reaches the loss without torch."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast import _core


def ball_loss(
    embeddings: npt.NDArray,
    labels: npt.NDArray,
    *,
    num_classes: int = -1,
    cannot_link: tuple[npt.NDArray, npt.NDArray] | None = None,
    sphere: bool = True,
    normalize: bool = False,
    threads: int = 2,
) -> tuple[npt.NDArray, npt.NDArray]:
    """Return the gradient and the summary."""
    n, d = embeddings.shape
    gradient, loss, summary = (np.full(shape, np.nan, embeddings.dtype) for shape in ((n, d), 1, 6))
    lists = (0, 0, 0) if cannot_link is None else (*(part.ctypes.data for part in cannot_link), len(cannot_link[1]))
    _core.ball_loss(
        *(str(embeddings.dtype), embeddings.ctypes.data, labels.ctypes.data, n, d, *lists),
        *(-1.0, gradient.ctypes.data, loss.ctypes.data, summary.ctypes.data, threads),
        *(num_classes, 4.0, 0.05, sphere, True, normalize),
    )
    assert loss[0] == summary[0]
    return gradient, summary


def ball_loss_reference(embeddings: npt.NDArray, labels: npt.NDArray, *, sphere: bool) -> float:
    """Return the loss by the formula, sample by sample."""
    b = np.log1p(np.exp(-1.0))
    sums = {k: embeddings[labels == k].astype(np.float64).sum(0) for k in labels}
    centroids = {k: s / (np.linalg.norm(s) if sphere else (labels == k).sum()) for k, s in sums.items()}
    total = 0.0
    for f, own in zip(embeddings.astype(np.float64), labels, strict=True):
        squared = {k: ((f - mu) ** 2).sum() for k, mu in centroids.items()}
        others = [distance for k, distance in squared.items() if k != own]
        total += 4 * max(0.0, squared[own] - b) + max(0.0, 9 * b + 0.05 - min(others, default=np.inf))
    return total / len(labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ball_loss_scales_rows_to_unit_length(dtype: type) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1_100, 17)).astype(dtype)
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)
    labels = rng.integers(0, 30, len(rows))
    results = {threads: ball_loss(rows, labels, normalize=True, threads=threads) for threads in (1, 2, 5)}
    gradient, summary = results[1]
    assert all(np.array_equal(gradient, g) and np.array_equal(summary, s) for g, s in results.values())
    np.testing.assert_allclose(summary, ball_loss(unit, labels)[1], rtol=1e-4)
    assert np.abs((gradient * unit).sum(axis=1)).max() < 1e-6  # along the sphere


@pytest.mark.parametrize(
    ("n", "d", "options", "sentence"),
    [
        (0, 4, {}, r"^embeddings must be 1 to 2\*\*31 - 1 of one feature or more, got shape \(0, 4\)$"),
        (4, 0, {}, r"^embeddings must be 1 to 2\*\*31 - 1 of one feature or more, got shape \(4, 0\)$"),
        (4, 4, {"num_classes": -5}, r"^num_classes must be 1 to 2\*\*31 - 1, or -1 for labels of any value, got -5$"),
        (4, 4, {"num_classes": 0}, r"^num_classes must be 1 to 2\*\*31 - 1, or -1 for labels of any value, got 0$"),
    ],
)
def test_ball_loss_refuses_sizes_that_are_none(n: int, d: int, options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ball_loss(np.ones((n, d)), np.zeros(n, np.int64), **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(1, 1, 1), (2, 3, 2), (47, 7, 5), (48, 8, 16), (49, 9, 17), (97, 33, 64), (200, 130, 300)]
)
def test_ball_loss_equals_the_formula(n: int, d: int, k: int, sphere: bool, dtype: type) -> None:
    rng = np.random.default_rng(n)
    embeddings = (rng.standard_normal((n, d)) + 0.1).astype(dtype)
    labels = rng.integers(0, k, n) * 1_000_003 - 5  # any integers
    gradient, summary = ball_loss(embeddings, labels, sphere=sphere)
    wanted = ball_loss_reference(embeddings, labels, sphere=sphere)
    assert summary[0] == pytest.approx(wanted, rel=1e-5 if dtype == np.float32 else 1e-12)
    assert np.isfinite(gradient).all()
    for threads in (1, 3, 16):
        again = ball_loss(embeddings, labels, sphere=sphere, threads=threads)
        assert all(np.array_equal(mine, other) for mine, other in zip((gradient, summary), again, strict=True))


def test_extreme_labels_are_numbered() -> None:
    info = np.iinfo(np.int64)
    labels = np.array([info.min, info.max, 0, -1, info.min, info.max], np.int64)
    embeddings = np.eye(6)
    _, mine = ball_loss(embeddings, labels)
    _, wanted = ball_loss(embeddings, np.array([0, 1, 2, 3, 0, 1]), num_classes=4)
    assert mine == pytest.approx(wanted, rel=1e-15)


def test_many_colliding_labels() -> None:
    labels = np.arange(5_000) * 2**32
    gradient, summary = ball_loss(np.random.default_rng(0).standard_normal((5_000, 4)), labels, sphere=False)
    assert summary[1] == 0  # every sample is its own centroid
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("value", "sentence"), [("sse9", "BCL_SIMD must be one of"), ("", "")])
def test_simd_path_can_be_forced(value: str, sentence: str) -> None:
    command = [sys.executable, "-c", "from bcl_fast import _core; print(_core.simd_path())"]
    run = subprocess.run(command, env={**os.environ, "BCL_SIMD": value}, capture_output=True, text=True)
    if sentence:
        assert run.returncode == 1
        assert sentence in run.stderr
        assert f"got '{value}'" in run.stderr
    else:
        assert run.stdout.strip() == _core.simd_paths()[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ball_loss_with_all_other_classes_listed_is_that_without_lists(dtype: type) -> None:
    rng = np.random.default_rng(0)
    embeddings, labels = rng.standard_normal((97, 33)).astype(dtype), rng.integers(0, 12, 97)
    others = np.array([[k for k in range(12) if k != own] for own in range(12)])
    lists = np.arange(13) * 11, others.ravel()
    for mine, wanted in zip(
        ball_loss(embeddings, labels, num_classes=12, cannot_link=lists),
        ball_loss(embeddings, labels, num_classes=12),
        strict=True,
    ):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("path", _core.simd_paths())
def test_every_path_of_this_machine_runs(path: str) -> None:
    code = "from bcl_fast import _core; import tests.core.test_bindings as t; print(_core.simd_path()); "
    sizes, dtypes = "[(49, 9, 17), (97, 33, 64)]", "(t.np.float32, t.np.float64)"
    code += f"[t.test_ball_loss_equals_the_formula(*s, True, d) for s in {sizes} for d in {dtypes}]"
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "BCL_SIMD": path}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == path


def test_threads_follow_the_environment() -> None:
    command = [sys.executable, "-c", "from bcl_fast import _core; print(_core.default_threads())"]
    run = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "3"}, capture_output=True, text=True)
    assert run.stdout.strip() == "3"


@pytest.mark.parametrize(
    ("offsets", "neighbors", "sentence"),
    [
        ([0, 2, 2], [1], "neighbors and distances must have offsets\\[-1\\] entries"),
        ([0, 1, 2], [1, 7], "neighbors must lie in \\[0, n\\)"),
        ([0, 2, 1], [1], "offsets must not decrease"),
        ([1, 1], [0], "offsets must be 1-D and start with 0"),
        ([0, 1, 2], [0, 0], "neighbors must not hold a point itself"),
    ],
)
def test_a_graph_that_would_corrupt_memory_is_refused(offsets: list, neighbors: list, sentence: str) -> None:
    distances = np.zeros(len(neighbors))
    with pytest.raises(ValueError, match=sentence):
        _core.graph_linkage(np.array(offsets), np.array(neighbors, np.int32), distances)


@pytest.mark.parametrize(
    ("offsets", "neighbors"),
    [([0, 1, 1], [1]), ([0, 1, 1, 2], [1, 0])],
    ids=["one way", "two to one"],
)
def test_a_graph_that_is_not_symmetric_ends(offsets: list, neighbors: list) -> None:
    with pytest.raises(ValueError, match="the graph must be symmetric, with every neighbour once in a row"):
        _core.graph_linkage(np.array(offsets), np.array(neighbors, np.int32), np.arange(1.0, 1 + len(neighbors)))


def test_directions_of_a_pair_that_differ_end_in_a_sentence() -> None:
    refused = 0
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(3, 12))
        neighbors = np.array([j for i in range(n) for j in range(n) if i != j], np.int32)
        try:
            merges, _ = _core.graph_linkage(np.arange(n + 1) * (n - 1), neighbors, rng.random(len(neighbors)))
        except ValueError:
            refused += 1
            continue
        assert len(merges) < n
        assert (merges[:, :2] < n + np.arange(len(merges))[:, None]).all()
    assert 0 < refused < 2000


def test_distances_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="distances must not be NaN"):
        _core.graph_linkage(np.array([0, 1, 2]), np.array([1, 0], np.int32), np.full(2, np.nan))


@settings(deadline=None, max_examples=300)
@given(n=st.integers(1, 12), seed=st.integers(0, 2**16), share=st.floats(0, 1), levels=st.integers(1, 5))
def test_any_graph_ends(n: int, seed: int, share: float, levels: int) -> None:
    rng = np.random.default_rng(seed)
    there = (rng.random((n, n)) < share) & ~np.eye(n, dtype=bool)
    offsets = np.append(0, np.cumsum(there.sum(axis=1)))
    neighbors = np.nonzero(there)[1].astype(np.int32)
    with contextlib.suppress(ValueError):
        _core.graph_linkage(offsets, neighbors, rng.integers(0, levels, len(neighbors)).astype(np.float64))
