"""What only a CUDA device can show of the ball loss: the operator's five tests on it, capture in a CUDA graph.

The kernels' own arithmetic is tested on the host too (tests/core/cuda/test_kernels_on_host.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor

from bcl_fast import BallLoss
from tests.helpers.ball_loss import DTYPES, ball_loss, ball_loss_reference, value_and_gradients
from tests.helpers.ball_loss import make_batch as make_batch_on_cpu

pytestmark = pytest.mark.cuda

FORWARD_AND_GRADIENT = [(1, 1, 1), (7, 5, 3), (32, 32, 8), (33, 17, 40), (257, 65, 63), (2000, 64, 450)]
LARGE = (20_000, 40, 300)  # takes the large tiles


def make_batch(n: int, d: int, k: int, dtype: torch.dtype, seed: int = 0, device: str = "cuda") -> tuple[Tensor, ...]:
    """Return embeddings, labels and raw radius of tests/helpers/ball_loss.py on a CUDA device."""
    embeddings, labels, raw_radius = (t.detach().to(device) for t in make_batch_on_cpu(n, d, k, dtype, seed))
    return embeddings.requires_grad_(), labels, raw_radius.requires_grad_()


def assert_close(ours: tuple[Tensor, ...], wanted: tuple[Tensor, ...], *, exact: bool) -> None:
    for mine, reference in zip(ours, wanted, strict=True):
        scale = float(reference.abs().max()) or 1.0
        rtol = 1e-11 if exact else 2e-5
        torch.testing.assert_close(mine, reference, rtol=rtol, atol=rtol / 5 * min(scale, 1.0), check_device=False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize(("n", "d", "k"), FORWARD_AND_GRADIENT)
def test_equals_reference(n: int, d: int, k: int, sphere: bool, dtype: torch.dtype) -> None:
    batch = make_batch(n, d, k, dtype)
    exact = tuple(t.detach().double().requires_grad_(t.requires_grad) if t.is_floating_point() else t for t in batch)
    wanted = value_and_gradients(ball_loss_reference, *exact, sphere=sphere)
    for num_classes in (None, k, k + 5):
        ours = value_and_gradients(ball_loss, *batch, sphere=sphere, num_classes=num_classes)
        assert ours[0].dtype == dtype
        assert_close(tuple(t.double() for t in ours), wanted, exact=dtype == torch.float64)


def test_large_batch_equals_cpu() -> None:
    on_cpu = make_batch_on_cpu(*LARGE, torch.float32)
    on_cuda = make_batch(*LARGE, torch.float32)
    wanted = value_and_gradients(ball_loss, *on_cpu, num_classes=LARGE[2])
    assert_close(value_and_gradients(ball_loss, *on_cuda, num_classes=LARGE[2]), wanted, exact=False)


@pytest.mark.parametrize("sphere", [True, False])
def test_gradcheck(sphere: bool) -> None:
    embeddings, labels, raw_radius = make_batch(12, 5, 4, torch.float64)
    assert torch.autograd.gradcheck(lambda f, r: ball_loss(f, labels, r, sphere=sphere)[0], (embeddings, raw_radius))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opcheck(dtype: torch.dtype) -> None:
    embeddings, labels, raw_radius = (t.detach() for t in make_batch(20, 6, 4, dtype))
    for with_gradient in (True, False):
        arguments = (embeddings, labels, raw_radius, None, None, with_gradient, 4, 4.0, 0.05, True, True)
        torch.library.opcheck(torch.ops.bcl_fast.ball_loss.default, arguments)
    gradient, summary = (torch.randn(size, dtype=dtype, device="cuda") for size in ((1_000, 5), 6))
    factor = torch.tensor(-0.37, dtype=dtype, device="cuda")
    of_embeddings, of_raw = torch.ops.bcl_fast.ball_loss_backward(gradient, summary, factor)
    assert torch.equal(of_embeddings, gradient * factor)
    assert torch.equal(of_raw, summary[-1] * factor)
    torch.library.opcheck(torch.ops.bcl_fast.ball_loss_backward.default, (gradient, summary, factor))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("num_classes", [None, 9])
def test_compiles_without_graph_break(num_classes: int | None) -> None:
    batch = make_batch(50, 8, 9, torch.float32)

    def step(embeddings: Tensor, labels: Tensor, raw_radius: Tensor) -> Tensor:
        return 2 * ball_loss(F.normalize(embeddings, dim=1), labels, raw_radius, num_classes=num_classes)[0]

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for mine, eager in zip(value_and_gradients(compiled, *batch), value_and_gradients(step, *batch), strict=True):
        torch.testing.assert_close(mine, eager)


def test_bad_input_raises_the_exact_sentence() -> None:
    embeddings, labels, raw_radius = make_batch(6, 4, 3, torch.float32)
    spoiled = embeddings.detach().index_fill(0, torch.tensor([2], device="cuda"), torch.nan)
    with pytest.raises(ValueError, match=r"^embeddings must be finite, got NaN or infinity in row 2$"):
        ball_loss(spoiled, labels, raw_radius)
    with pytest.raises(ValueError, match=r"^labels must be on the embeddings' device cuda:0, got cpu$"):
        ball_loss(embeddings, labels.cpu(), raw_radius)
    with pytest.raises(ValueError, match=r"^raw_radius must be on the embeddings' device cuda:0, got cpu$"):
        ball_loss(embeddings, labels, raw_radius.cpu())
    assert ball_loss(spoiled, labels, raw_radius, num_classes=3)[0].isnan()
    assert ball_loss(embeddings, labels + 1, raw_radius, num_classes=3)[0].isnan()


@pytest.mark.parametrize("normalize", [False, True])
def test_captured_in_a_graph_and_replayed(normalize: bool) -> None:
    loss = BallLoss(num_classes=40, init_raw=-1.0, normalize=normalize).cuda()
    embeddings, labels, _ = make_batch(500, 24, 40, torch.float32)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # outside the capture once, as the documentation of CUDA graphs wants
        loss(embeddings, labels).backward()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value = loss(embeddings, labels)
        gradients = torch.autograd.grad(value, (embeddings, loss.raw_radius))
    for seed in (1, 2):
        fresh, fresh_labels, _ = make_batch(500, 24, 40, torch.float32, seed)
        with torch.no_grad():
            embeddings.copy_(fresh)
            labels.copy_(fresh_labels)
        graph.replay()
        options = {"num_classes": 40, "normalize": normalize}
        wanted = value_and_gradients(ball_loss, fresh, fresh_labels, loss.raw_radius, **options)
        for mine, reference in zip((value, *gradients), wanted, strict=True):
            assert torch.equal(mine, reference)


@pytest.mark.parametrize("normalize", [False, True])
def test_nothing_waits_for_the_device(normalize: bool) -> None:
    embeddings, labels, raw_radius = make_batch(300, 16, 20, torch.float32)
    options = {"num_classes": 20, "normalize": normalize}
    value_and_gradients(ball_loss, embeddings, labels, raw_radius, **options)
    torch.cuda.set_sync_debug_mode("error")
    try:
        value_and_gradients(ball_loss, embeddings, labels, raw_radius, **options)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("dtype", DTYPES)
def test_scales_rows_to_unit_length_as_the_cpu_does(dtype: torch.dtype) -> None:
    embeddings, labels, raw_radius = make_batch(300, 16, 20, dtype)
    stretched = (embeddings.detach() * torch.logspace(-3, 3, 300, device="cuda", dtype=dtype)[:, None]).requires_grad_()
    ours = value_and_gradients(ball_loss, stretched, labels, raw_radius, normalize=True)
    on_cpu = stretched.detach().cpu().requires_grad_(), labels.cpu(), raw_radius.detach().cpu().requires_grad_()
    wanted = value_and_gradients(ball_loss, *on_cpu, normalize=True)
    for mine, reference in zip(ours, wanted, strict=True):
        torch.testing.assert_close(mine.cpu(), reference, rtol=1e-3, atol=1e-4)


def test_follows_the_current_stream() -> None:
    batch = make_batch(3000, 32, 70, torch.float32)
    wanted = value_and_gradients(ball_loss, *batch, num_classes=70)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        torch.cuda._sleep(50_000_000)  # what runs on another stream would finish first, on other embeddings
        doubled = (batch[0].detach() * 2).requires_grad_()
        halved = (doubled.detach() / 2).requires_grad_()
        ours = value_and_gradients(ball_loss, halved, *batch[1:], num_classes=70)
    torch.cuda.current_stream().wait_stream(stream)
    for mine, reference in zip(ours, wanted, strict=True):
        assert torch.equal(mine, reference)


def test_runs_on_a_second_device() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one CUDA device here")
    wanted = value_and_gradients(ball_loss, *make_batch(300, 16, 20, torch.float32), num_classes=20)
    ours = value_and_gradients(ball_loss, *make_batch(300, 16, 20, torch.float32, device="cuda:1"), num_classes=20)
    for mine, reference in zip(ours, wanted, strict=True):
        assert mine.device.index == 1
        assert torch.equal(mine.cpu(), reference.cpu())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_accumulates_in_float32(dtype: torch.dtype) -> None:
    embeddings, labels, _ = make_batch(300, 16, 5, torch.float32)
    linear, loss = torch.nn.Linear(16, 16).cuda(), BallLoss(num_classes=5).cuda()
    with torch.autocast("cuda", dtype):
        half = linear(embeddings)
        value = loss(half, labels)
    assert half.dtype == dtype
    assert value.dtype == torch.float32
    assert torch.equal(value, loss(half.detach().float(), labels))
    value.backward()
    assert torch.isfinite(linear.weight.grad).all()


def test_non_contiguous_input_equals_contiguous() -> None:
    embeddings, labels, raw_radius = make_batch(64, 12, 5, torch.float32)
    strided = embeddings.detach().t().contiguous().t().requires_grad_()
    shifted = torch.cat([embeddings.detach().flatten()[:1], embeddings.detach().flatten()])[1:].view(64, 12)
    wanted = value_and_gradients(ball_loss, embeddings, labels, raw_radius)
    for other in (strided, shifted.requires_grad_()):
        ours = value_and_gradients(ball_loss, other, labels.repeat_interleave(2)[::2], raw_radius)
        for mine, reference in zip(ours, wanted, strict=True):
            assert torch.equal(mine, reference)


def test_same_bits_on_every_run() -> None:
    for size in ((3000, 65, 200), LARGE):
        batch = make_batch(*size, torch.float32)
        first, *others = (value_and_gradients(ball_loss, *batch, num_classes=size[2]) for _ in range(4))
        assert all(torch.equal(mine, wanted) for other in others for mine, wanted in zip(other, first, strict=True))


def test_extra_memory_grows_with_classes_not_with_pairs() -> None:
    n, d, k = 65_536, 256, 8_192
    embeddings, labels, raw_radius = (t.detach() for t in make_batch(n, d, k, torch.float32))
    embeddings.requires_grad_()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    ball_loss(embeddings, labels, raw_radius, num_classes=k)[0].backward()
    extra = torch.cuda.max_memory_allocated() - before
    assert extra < 3 * 4 * n * d + 4 * 4 * k * d  # the gradient twice and the centroids; distances would take 2 GB


@pytest.fixture
def nccl_group(tmp_path: Path) -> Iterator[dist.ProcessGroup]:
    """This process as a group of its own: the kernels in stages, and NCCL under them."""
    dist.init_process_group("nccl", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield dist.group.WORLD
    dist.destroy_process_group()


@pytest.mark.parametrize("num_classes", [None, 9])
@pytest.mark.parametrize("space", ["sphere", "euclidean"])
def test_stages_of_a_group_equal_the_whole(nccl_group: dist.ProcessGroup, space: str, num_classes: int | None) -> None:
    embeddings, labels, _ = make_batch(300, 17, 9, torch.float32)
    found = []
    for group in (None, nccl_group):
        rows = (3 * embeddings).detach().requires_grad_()
        loss = BallLoss(space=space, num_classes=num_classes, process_group=group).cuda()
        terms = loss.terms(rows, labels)
        terms.loss.backward()
        found.append((torch.stack([term.detach() for term in terms]), rows.grad, loss.raw_radius.grad))
    assert_close(found[1], found[0], exact=False)
    with pytest.raises(ValueError, match=r"^embeddings must be finite, got NaN or infinity in row 4$"):
        BallLoss(process_group=nccl_group).cuda()(embeddings.index_fill(0, torch.tensor([4]).cuda(), torch.nan), labels)


def equals_the_whole(rank: int, size: int, store: str) -> None:
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", init_method=f"file://{store}", rank=rank, world_size=size)
    embeddings, labels, _ = make_batch(300, 17, 9, torch.float32, device=f"cuda:{rank}")
    part = slice(rank * 300 // size, (rank + 1) * 300 // size)
    whole, mine = embeddings.detach().requires_grad_(), embeddings[part].detach().requires_grad_()
    for rows, classes, group in ((whole, labels, None), (mine, labels[part], "world")):
        loss = BallLoss(process_group=group).cuda(rank)
        loss(rows, classes).backward()
    assert_close((mine.grad,), (whole.grad[part],), exact=False)
    dist.destroy_process_group()


def test_several_gpus_equal_one(tmp_path: Path) -> None:
    size = torch.cuda.device_count()
    if size < 2:
        pytest.skip("there is one GPU alone")
    torch.multiprocessing.spawn(equals_the_whole, (size, str(tmp_path / "store")), nprocs=size)
