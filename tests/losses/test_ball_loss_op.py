"""The five tests of the operator ``ball_loss``, and that its result does not depend on threads or instruction set."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bcl_fast import _core
from bcl_fast.losses._ball_loss_kernels import SUMMARY
from tests.helpers.ball_loss import DTYPES, ball_loss, ball_loss_reference, make_batch, value_and_gradients


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(1, 1, 1), (7, 5, 3), (32, 32, 8), (33, 17, 40), (257, 65, 63), (640, 64, 96)]
)
def test_equals_reference(n: int, d: int, k: int, sphere: bool, dtype: torch.dtype) -> None:
    batch = make_batch(n, d, k, dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 1e-11, "atol": 1e-12}
    for num_classes in (None, k, k + 5):
        ours = value_and_gradients(ball_loss, *batch, sphere=sphere, num_classes=num_classes)
        wanted = value_and_gradients(ball_loss_reference, *batch, sphere=sphere)
        for mine, reference in zip(ours, wanted, strict=True):
            torch.testing.assert_close(mine, reference, **tolerance)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    d=st.integers(2, 9),  # in one dimension unit vectors are signs, which can sum to zero
    k=st.integers(1, 12),
    seed=st.integers(0, 2**16),
    raw=st.floats(-6, 2),
    alpha=st.floats(0, 8),
    margin=st.floats(0, 1),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
)
def test_equals_reference_on_any_batch(n, d, k, seed, raw, alpha, margin, scale) -> None:
    embeddings, labels, _ = make_batch(n, d, k, torch.float64, seed)
    embeddings = (embeddings.detach() * scale).requires_grad_()
    raw_radius = torch.tensor(raw, dtype=torch.float64, requires_grad=True)
    for sphere in (True, False):
        options = {"alpha": alpha, "margin": margin, "sphere": sphere}
        ours = value_and_gradients(ball_loss, embeddings, labels * 7 - 3, raw_radius, **options)
        wanted = value_and_gradients(ball_loss_reference, embeddings, labels, raw_radius, **options)
        for mine, reference in zip(ours, wanted, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("sphere", [True, False])
def test_gradcheck(sphere: bool) -> None:
    embeddings, labels, raw_radius = make_batch(12, 5, 4, torch.float64)
    assert torch.autograd.gradcheck(lambda f, r: ball_loss(f, labels, r, sphere=sphere)[0], (embeddings, raw_radius))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("with_gradient", [True, False])
def test_opcheck(dtype: torch.dtype, with_gradient: bool) -> None:
    embeddings, labels, raw_radius = (t.detach() for t in make_batch(20, 6, 4, dtype))
    arguments = (embeddings, labels, raw_radius, None, None, with_gradient, 4, 4.0, 0.05, True, True)
    torch.library.opcheck(torch.ops.bcl_fast.ball_loss.default, arguments)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 33, 2**15, 2**16 + 1])
def test_backward_scales_both_gradients(n: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(n)
    gradient, summary = (torch.randn(size, dtype=dtype, generator=generator) for size in ((n, 5), 6))
    factor = torch.tensor(-0.37, dtype=dtype)
    of_embeddings, of_raw = torch.ops.bcl_fast.ball_loss_backward(gradient, summary, factor)
    assert torch.equal(of_embeddings, gradient * factor)
    assert torch.equal(of_raw, summary[-1] * factor)
    torch.library.opcheck(torch.ops.bcl_fast.ball_loss_backward.default, (gradient, summary, factor))


def test_gradient_follows_the_factor_and_can_be_taken_twice() -> None:
    embeddings, labels, raw_radius = make_batch(50, 8, 6, torch.float64)
    loss = ball_loss(embeddings, labels, raw_radius)[0]
    once = torch.autograd.grad(loss, (embeddings, raw_radius), retain_graph=True)
    thrice = torch.autograd.grad(3 * loss, (embeddings, raw_radius))
    for mine, wanted in zip(thrice, once, strict=True):
        torch.testing.assert_close(mine, 3 * wanted)


# Dynamo itself instantiates an autograd function while tracing one.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("num_classes", [None, 9])
def test_compiles_without_graph_break(num_classes: int | None) -> None:
    batch = make_batch(50, 8, 9, torch.float32)

    def step(embeddings: Tensor, labels: Tensor, raw_radius: Tensor) -> Tensor:
        return 2 * ball_loss(F.normalize(embeddings, dim=1), labels, raw_radius, num_classes=num_classes)[0]

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for mine, eager in zip(value_and_gradients(compiled, *batch), value_and_gradients(step, *batch), strict=True):
        torch.testing.assert_close(mine, eager)


BAD_INPUT = {
    "1-D": (lambda f, y: (f[0], y), "embeddings must be 2-D (n_samples, n_features), got shape (4,)"),
    "label count": (lambda f, y: (f, y[:2]), "labels must have shape (6,), one per embedding, got (2,)"),
    "empty": (lambda f, y: (f[:0], y[:0]), "embeddings must not be empty, got shape (0, 4)"),
    "label too large": (
        lambda f, y: (f, y.index_fill(0, torch.tensor([3]), 9)),
        "labels must lie in [0, 3), got 9 at position 3",
    ),
    "label negative": (lambda f, y: (f, y - 1), "labels must lie in [0, 3), got -1 at position 0"),
    "NaN": (
        lambda f, y: (f.index_fill(0, torch.tensor([2]), torch.nan), y),
        "embeddings must be finite, got NaN or infinity in row 2",
    ),
    "infinite": (
        lambda f, y: (f.index_fill(0, torch.tensor([5]), torch.inf), y),
        "embeddings must be finite, got NaN or infinity in row 5",
    ),
    "overflow": (lambda f, y: (f.sign() * 3e38, y), "embeddings are too large: a class sum overflows"),
    "squares overflow": (lambda f, y: (f.sign() * 1e25, y), "embeddings are too large: a class sum overflows"),
    "no centroid": (
        lambda f, y: (torch.cat([f[:4], -f[:2]]), torch.tensor([0, 1, 2, 2, 0, 1])),
        "the embeddings of each class must not sum to zero on the sphere: "
        "those of the class of sample 0 do, so it has no centroid",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_values_raise_the_exact_sentence(case: str) -> None:
    embeddings = F.normalize(torch.arange(24.0).reshape(6, 4) + 1, dim=1)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    spoil, sentence = BAD_INPUT[case]
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - compared with the whole sentence below
        ball_loss(*spoil(embeddings, labels), torch.tensor(0.1), num_classes=3)
    assert str(raised.value) == sentence


def test_bad_dtypes_raise_the_exact_sentence() -> None:
    embeddings, labels, raw_radius = make_batch(4, 3, 2, torch.float32)
    with pytest.raises(TypeError, match=r"^embeddings must be float16, bfloat16, float32 or float64, got torch.int64$"):
        ball_loss(embeddings.long(), labels, raw_radius)
    with pytest.raises(TypeError, match=r"^labels must be whole numbers, got 0.5$"):
        ball_loss(embeddings, labels + 0.5, raw_radius)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_accumulates_in_float32(dtype: torch.dtype) -> None:
    embeddings, labels, raw_radius = make_batch(300, 16, 5, torch.float32)
    half = embeddings.detach().to(dtype).requires_grad_()
    loss, gradient, _ = value_and_gradients(ball_loss, half, labels, raw_radius)
    upcast = half.detach().float().requires_grad_()
    wanted_loss, wanted_gradient, _ = value_and_gradients(ball_loss, upcast, labels, raw_radius)
    assert loss.dtype == torch.float32
    assert gradient.dtype == dtype
    assert torch.equal(loss, wanted_loss)
    assert torch.equal(gradient, wanted_gradient.to(dtype))


def test_non_contiguous_input_equals_contiguous() -> None:
    embeddings, labels, raw_radius = make_batch(64, 12, 5, torch.float32)
    strided = embeddings.detach().t().contiguous().t().requires_grad_()
    assert not strided.is_contiguous()
    for mine, wanted in zip(
        value_and_gradients(ball_loss, strided, labels.repeat_interleave(2)[::2], raw_radius),
        value_and_gradients(ball_loss, embeddings, labels, raw_radius),
        strict=True,
    ):
        assert torch.equal(mine, wanted)


def test_without_check_a_class_without_centroid_takes_no_part() -> None:
    f = F.normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    embeddings = torch.cat([f, f[:1], -f[:1]])
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    _, summary = ball_loss(embeddings, labels, torch.tensor(-1.0), check_finite=False)
    assert torch.isfinite(summary).all()
    # The similar part is that of the other six, over eight samples.
    _, others = ball_loss(f, labels[:6], torch.tensor(-1.0))
    torch.testing.assert_close(summary[1] * 8, others[1] * 6)


def test_without_check_a_nan_reaches_the_loss() -> None:
    embeddings, labels, raw_radius = make_batch(10, 4, 3, torch.float32)
    spoiled = embeddings.detach().index_fill(0, torch.tensor([4]), torch.nan)
    assert ball_loss(spoiled, labels, raw_radius, check_finite=False)[0].isnan()


def test_one_identity_has_no_dissimilar_part() -> None:
    embeddings, _, raw_radius = make_batch(9, 4, 1, torch.float64)
    _, summary = ball_loss(embeddings, torch.full((9,), 5), raw_radius)
    assert summary[SUMMARY.index("dissimilar")] == 0
    assert summary[SUMMARY.index("violated_dissimilar")] == 0


PRINT_DIGEST = """
import hashlib, torch
from tests.helpers.ball_loss import ball_loss, make_batch, value_and_gradients
digests = []
for threads in (1, 2, 3, 8):
    torch.set_num_threads(threads)
    parts = value_and_gradients(ball_loss, *make_batch(1000, 37, 130, torch.float32), num_classes=130)
    digests.append(hashlib.sha256(b"".join(part.numpy().tobytes() for part in parts)).hexdigest())
assert len(set(digests)) == 1, digests
print(float(parts[0]))
"""


@pytest.mark.parametrize("path", _core.simd_paths())
def test_same_bits_for_any_number_of_threads(path: str) -> None:
    environment = {**os.environ, "BCL_SIMD": path}
    run = subprocess.run([sys.executable, "-c", PRINT_DIGEST], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    wanted = ball_loss_reference(*make_batch(1000, 37, 130, torch.float32)).item()
    assert float(run.stdout) == pytest.approx(wanted, rel=1e-5)


def test_concurrent_calls_and_forks_do_not_disturb_each_other() -> None:
    from concurrent.futures import ThreadPoolExecutor

    batch = make_batch(500, 16, 20, torch.float32)
    wanted = value_and_gradients(ball_loss, *batch)
    with ThreadPoolExecutor(4) as executor:
        results = list(executor.map(lambda _: value_and_gradients(ball_loss, *batch), range(16)))
    for result in results:
        assert all(torch.equal(mine, reference) for mine, reference in zip(result, wanted, strict=True))
