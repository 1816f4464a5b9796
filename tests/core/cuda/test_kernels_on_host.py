"""The CUDA kernels on the host: their index, tiling and reduction code against NumPy and the CPU kernels.

Shared memory is watched (tests/core/cuda/simulated_block.h): a missing barrier fails here, as does an index out of
range. What a GPU alone can show is in tests/losses/test_ball_loss_op_cuda.py.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast import _core
from tests.core.cuda.host_kernels import ORDERS, Kernels, make_batch


def unaligned(array: npt.NDArray) -> npt.NDArray:
    """Return a copy that does not start at a multiple of 16 bytes."""
    memory = np.empty(array.size + 4, array.dtype)
    offset = next(o for o in range(1, 4) if memory[o:].ctypes.data % 16 != 0)
    copy = memory[offset : offset + array.size].reshape(array.shape)
    copy[...] = array
    return copy


# --- the tiles


@pytest.mark.parametrize("seed", ORDERS)
@pytest.mark.parametrize("tile", ["small", "large"])
@pytest.mark.parametrize(("n", "k", "d"), [(1, 1, 1), (5, 9, 3), (33, 140, 16), (130, 257, 20), (40, 513, 37)])
def test_tiles_reach_float32(kernels: Kernels, n: int, k: int, d: int, tile: str, seed: int) -> None:
    rng = np.random.default_rng(n)
    rows, columns = (rng.standard_normal((m, d)).astype(np.float32) for m in (n, k))
    products = np.full((n, k), np.nan, np.float32)
    kernels(f"products_{tile}", rows, n, columns, k, d, products, seed)
    lengths = np.linalg.norm(rows, axis=1)[:, None] * np.linalg.norm(columns, axis=1)
    error = np.abs(products - rows.astype(np.float64) @ columns.T.astype(np.float64))
    assert (error <= 2.0**-21 * lengths + d * 2.0**-23 * lengths).all()


def test_tiles_of_float64(kernels: Kernels) -> None:
    rng = np.random.default_rng(0)
    for n, k, d in ((1, 1, 1), (17, 300, 21), (40, 20, 8)):
        rows, columns = rng.standard_normal((n, d)), rng.standard_normal((k, d))
        products = np.full((n, k), np.nan)
        kernels("products_float64", rows, n, columns, k, d, products, 2)
        np.testing.assert_allclose(products, rows @ columns.T, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("tile", ["small", "large"])
def test_rows_that_are_not_aligned(kernels: Kernels, tile: str) -> None:
    rng = np.random.default_rng(1)
    rows, columns = (rng.standard_normal((m, 24)).astype(np.float32) for m in (20, 30))
    aligned, shifted = np.empty((2, 20, 30), np.float32)
    kernels(f"products_{tile}", rows, 20, columns, 30, 24, aligned, 0)
    kernels(f"products_{tile}", unaligned(rows), 20, unaligned(columns), 30, 24, shifted, 0)
    np.testing.assert_array_equal(aligned, shifted)


# --- the ball loss


def ball_loss(
    kernels: Kernels,
    embeddings: npt.NDArray,
    labels: npt.NDArray,
    num_classes: int,
    *,
    sphere: bool = True,
    check_finite: bool = False,
    large: bool = False,
    with_gradient: bool = True,
    seed: int = 2,
) -> tuple[npt.NDArray, npt.NDArray]:
    """Return the gradient and the summary."""
    n, d = embeddings.shape
    dtype = embeddings.dtype
    gradient, summary = np.full((n, d), np.nan, dtype), np.full(6, np.nan, dtype)
    raw = np.array([-1.0], dtype)
    kernels(
        f"ball_loss_{dtype}",
        *(embeddings, labels, n, d, num_classes, raw, sphere, check_finite),
        *(gradient if with_gradient else None, summary, large, seed),
    )
    return gradient, summary


def ball_loss_cpu(
    embeddings: npt.NDArray, labels: npt.NDArray, num_classes: int, *, sphere: bool = True
) -> tuple[npt.NDArray, npt.NDArray]:
    """Return the same of the CPU kernel."""
    n, d = embeddings.shape
    gradient, loss, summary = (np.full(shape, np.nan, embeddings.dtype) for shape in ((n, d), 1, 6))
    batch = (str(embeddings.dtype), embeddings.ctypes.data, labels.ctypes.data, n, d)
    found = (gradient.ctypes.data, loss.ctypes.data, summary.ctypes.data)
    _core.ball_loss(*batch, 0, 0, 0, -1.0, *found, 1, num_classes, 4.0, 0.05, sphere, False, False)
    return gradient, summary


def assert_equal_to_cpu(
    kernels: Kernels, embeddings: npt.NDArray, labels: npt.NDArray, k: int, *, sphere: bool = True, large: bool = False
) -> None:
    gradient, summary = ball_loss(kernels, embeddings, labels, k, sphere=sphere, large=large)
    wanted_gradient, wanted_summary = ball_loss_cpu(embeddings, labels, k, sphere=sphere)
    rtol = 2e-5 if embeddings.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(summary, wanted_summary, rtol=rtol, atol=rtol / 10)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=rtol, atol=rtol / 10 * np.abs(wanted_gradient).max())


SIZES = [(1, 1, 1), (7, 5, 3), (32, 32, 8), (33, 17, 40), (257, 65, 63), (300, 130, 300)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize(("n", "d", "k"), SIZES)
def test_ball_loss_equals_the_cpu(kernels: Kernels, n: int, d: int, k: int, sphere: bool, dtype: type) -> None:
    assert_equal_to_cpu(kernels, *make_batch(n, d, k, dtype), k, sphere=sphere)


@pytest.mark.parametrize(("n", "d", "k"), [(5, 3, 2), (129, 36, 131), (260, 64, 17)])
def test_ball_loss_of_many_rows_equals_the_cpu(kernels: Kernels, n: int, d: int, k: int) -> None:
    assert_equal_to_cpu(kernels, *make_batch(n, d, k, np.float32), k, large=True)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 60),
    d=st.integers(2, 20),
    k=st.integers(1, 30),
    seed=st.integers(0, 2**16),
    sphere=st.booleans(),
)
def test_ball_loss_equals_the_cpu_on_any_batch(
    kernels: Kernels, n: int, d: int, k: int, seed: int, sphere: bool
) -> None:
    embeddings, labels = make_batch(n, d, k, np.float64, seed)
    assert_equal_to_cpu(kernels, embeddings, labels, k + seed % 3, sphere=sphere)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize("cuts", [(0, 70), (0, 30, 70), (0, 0, 69, 70), (0, 70, 70)])
@pytest.mark.parametrize("seed", ORDERS)
def test_ball_loss_of_shares_equals_the_whole(
    kernels: Kernels, cuts: tuple[int, ...], sphere: bool, dtype: type, seed: int
) -> None:
    embeddings, labels = make_batch(70, 37, 19, dtype, seed)
    labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    labels[-1] = k = labels.max() + 1  # a class that the last share alone has
    gradient = np.full_like(embeddings, np.nan)
    summaries = np.full((len(cuts) - 1, 6), np.nan, dtype)
    batch = (embeddings, labels, np.array(cuts), len(cuts) - 1, 37, int(k) + 1, np.array([-1.0], dtype), sphere)
    kernels(f"ball_loss_shares_{np.dtype(dtype)}", *batch, gradient, summaries, seed)
    wanted_gradient, wanted = ball_loss_cpu(embeddings, labels, int(k) + 1, sphere=sphere)
    rtol = 2e-5 if dtype == np.float32 else 1e-12
    for summary in summaries:
        np.testing.assert_allclose(summary, wanted, rtol=rtol, atol=rtol / 10)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=rtol, atol=rtol / 10 * np.abs(wanted_gradient).max())


@pytest.mark.parametrize("n", [1023, 1024, 1025, 2300, 5000])
@pytest.mark.parametrize("k", [1, 2, 9])
def test_large_classes_take_all_warps(kernels: Kernels, n: int, k: int) -> None:
    # The lists of a block run full, and a class lies in the parts of several warps.
    embeddings, labels = make_batch(n, 3, k, np.float64, seed=n)
    assert_equal_to_cpu(kernels, embeddings, labels, k)
    assert_equal_to_cpu(kernels, embeddings, np.sort(labels), k, sphere=False)


def test_a_list_that_just_fits(kernels: Kernels) -> None:
    for more in (0, 1, 2):
        labels = np.concatenate([np.zeros(1024 + more), np.full(1024 - more, 30), np.zeros(1024)]).astype(np.int64)
        embeddings, _ = make_batch(len(labels), 2, 1, np.float64)
        assert_equal_to_cpu(kernels, embeddings, labels, 31, sphere=False)


def test_one_class_pushes_all_others(kernels: Kernels) -> None:
    embeddings, labels = make_batch(1500, 4, 300, np.float64)
    embeddings[labels != 0] = embeddings[labels != 0] * 0.05 + embeddings[0]  # class 0 is everyone's nearest
    assert_equal_to_cpu(kernels, embeddings, labels, 300, sphere=False)


def test_ball_loss_has_the_same_bits_in_any_order(kernels: Kernels) -> None:
    embeddings, labels = make_batch(700, 21, 40, np.float32)
    first, *others = (ball_loss(kernels, embeddings, labels, 40, seed=seed) for seed in (*ORDERS, 3))
    for gradient, summary in others:
        np.testing.assert_array_equal(gradient, first[0])
        np.testing.assert_array_equal(summary, first[1])
    _, summary = ball_loss(kernels, embeddings, labels, 40, with_gradient=False)
    np.testing.assert_array_equal(summary, first[1])


def test_a_label_out_of_range_makes_the_loss_nan(kernels: Kernels) -> None:
    embeddings, labels = make_batch(50, 6, 5, np.float32)
    for bad in (-1, 5, 2**40, -(2**40)):
        gradient, summary = ball_loss(kernels, embeddings, np.where(np.arange(50) == 30, bad, labels), 5)
        assert np.isnan(summary[0])
        assert np.isnan(gradient).any(axis=1).tolist() == [i == 30 for i in range(50)]


@pytest.mark.parametrize("check_finite", [True, False])
def test_a_class_without_centroid(kernels: Kernels, check_finite: bool) -> None:
    embeddings, labels = make_batch(40, 6, 5, np.float64)
    embeddings = np.concatenate([embeddings, embeddings[:1], -embeddings[:1]])
    labels = np.concatenate([labels, [6, 6]])
    gradient, summary = ball_loss(kernels, embeddings, labels, 7, check_finite=check_finite)
    assert np.isnan(summary[0]) == check_finite
    if not check_finite:
        wanted_gradient, wanted = ball_loss_cpu(embeddings, labels, 7)
        np.testing.assert_allclose(summary, wanted, rtol=1e-12)
        np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-12, atol=1e-14)
    _, euclidean = ball_loss(kernels, embeddings, labels, 7, sphere=False, check_finite=check_finite)
    assert np.isfinite(euclidean).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_values_that_are_not_finite_reach_the_loss(kernels: Kernels, value: float) -> None:
    embeddings, labels = make_batch(50, 6, 5, np.float32)
    embeddings[17] = value
    assert not np.isfinite(ball_loss(kernels, embeddings, labels, 5)[1][0])


def test_ties_go_to_the_smaller_class(kernels: Kernels) -> None:
    # Every centroid but a sample's own lies equally far; the sample is pushed by the first of them.
    for k in (2, 3, 40, 300):
        gradient, _ = ball_loss(kernels, np.eye(k, dtype=np.float32), np.arange(k), k)
        wanted, _ = ball_loss_cpu(np.eye(k, dtype=np.float32), np.arange(k), k)
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n", [0, 1, 255, 2048, 2049, 5000])
def test_backward_scales(kernels: Kernels, n: int) -> None:
    values, out = np.random.default_rng(n).standard_normal(n).astype(np.float32), np.full(n + 8, 7, np.float32)
    last, last_out = np.array([3, 5], np.float32), np.full(2, 7, np.float32)
    kernels("scale_float32", values, n, last, np.array([-0.37], np.float32), out, last_out, 1)
    np.testing.assert_array_equal(out[:n], values * np.float32(-0.37))
    assert (out[n:] == 7).all()
    np.testing.assert_array_equal(last_out, np.array([3 * np.float32(-0.37), 7], np.float32))
