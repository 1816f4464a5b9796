"""The Python around the CUDA kernels, as far as it runs without a GPU: the operator, and what is said of devices."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from bcl_fast import _core, complete_linkage, radius_graph
from bcl_fast.errors import InputError
from bcl_fast.losses import _ball_loss_checks as checks
from bcl_fast.losses import _ball_loss_kernels as operator
from bcl_fast.losses._ball_loss_op import ClassLists
from tests.core.cuda.host_kernels import Kernels, make_batch
from tests.helpers.ball_loss import ball_loss_reference


@pytest.fixture
def simulated_operator(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the operator's CUDA part run the simulated kernels, on tensors that lie on the CPU."""

    def ball_loss(dtype: str, *arguments) -> None:
        *batch, raw, _, gradient, summary, _, stream, num_classes, _, _, sphere, check_finite = arguments
        assert stream == 77
        batch += [num_classes, raw, sphere, check_finite]
        kernels(f"ball_loss_{dtype}", *batch, gradient or None, summary, False, 1)

    def backward(dtype: str, gradient: int, n: int, summary: int, factor: int, out: int, raw_out: int, *where) -> None:
        kernels(f"scale_{dtype}", gradient, n, summary + 5 * 8, factor, out, raw_out, 1)

    monkeypatch.setattr(_core, "ball_loss_cuda_scratch_bytes", lambda *sizes: 16, raising=False)
    monkeypatch.setattr(_core, "ball_loss_cuda", ball_loss, raising=False)
    monkeypatch.setattr(_core, "ball_loss_backward_cuda", backward, raising=False)
    monkeypatch.setattr(operator, "_current_stream", lambda device: 77)


@pytest.mark.usefixtures("simulated_operator")
@pytest.mark.parametrize("num_classes", [-1, 9])
def test_operator_passes_everything_on(num_classes: int) -> None:
    embeddings, labels = map(torch.from_numpy, make_batch(50, 6, 9, np.float64))
    raw_radius = torch.tensor(-1.0, requires_grad=True)
    strided = embeddings.t().contiguous().t()
    batch, options = (strided, labels, raw_radius.detach(), None, None), (num_classes, 4.0, 0.05, True, True)
    gradient, of_batch, summary = operator._ball_loss_cuda(*batch, True, *options)
    thrice = torch.tensor(3.0, dtype=torch.float64)
    of_embeddings, of_raw = operator._ball_loss_backward_cuda(gradient, summary, thrice)
    embeddings.requires_grad_()
    loss = ball_loss_reference(embeddings, labels, raw_radius)
    wanted, wanted_raw = torch.autograd.grad(3 * loss, (embeddings, raw_radius))
    torch.testing.assert_close(of_batch, loss)
    torch.testing.assert_close(of_embeddings, wanted)
    torch.testing.assert_close(of_raw.float(), wanted_raw)
    alone = operator._ball_loss_cuda(*batch, False, *options)
    assert alone.gradient.shape == (0, 6)
    assert torch.equal(alone.summary, summary)


@pytest.mark.usefixtures("simulated_operator")
@pytest.mark.parametrize("num_classes", [-1, 9])
def test_operator_scales_rows_to_unit_length(num_classes: int) -> None:
    embeddings, labels = map(torch.from_numpy, make_batch(50, 6, 9, np.float64))
    lengths = torch.linspace(0.1, 30, 50, dtype=torch.float64)[:, None]
    options = (num_classes, 4.0, 0.05, True, True, True)
    batch = (embeddings * lengths, labels, torch.tensor(-1.0, dtype=torch.float64))
    on_cuda = operator._ball_loss_cuda(*batch, None, None, True, *options)
    for found, wanted in zip(on_cuda, operator.ball_loss_cpu(*batch, None, None, True, *options), strict=True):
        torch.testing.assert_close(found, wanted)
    alone = operator._ball_loss_cuda(*batch, None, None, False, *options)
    assert torch.equal(alone.summary, on_cuda.summary)


@pytest.mark.usefixtures("simulated_operator")
def test_operator_says_what_is_wrong_where_it_waits_anyway() -> None:
    f = torch.nn.functional.normalize(torch.arange(24.0, dtype=torch.float64).reshape(6, 4) + 1, dim=1)
    labels = torch.tensor([7, 8, 7, 8, 9, 9])
    no_centroid = torch.cat([f[:4], f[:1], -f[:1]])
    options = (torch.tensor(0.1), None, None, False, -1)
    with pytest.raises(ValueError, match=r"those of the class of sample 4 do, so it has no centroid$"):
        operator._ball_loss_cuda(no_centroid, labels, *options, 4.0, 0.05, True, True)
    with pytest.raises(ValueError, match=r"^embeddings must be finite, got NaN or infinity in row 2$"):
        operator._ball_loss_cuda(f.index_fill(0, torch.tensor([2]), torch.nan), labels, *options, 4.0, 0.05, True, True)
    numbered = (*options[:-1], 10)
    nothing_read_back = operator._ball_loss_cuda(no_centroid, labels, *numbered, 4.0, 0.05, True, True)
    assert nothing_read_back.loss.isnan()


@pytest.mark.parametrize(
    ("devices", "version", "sentence"),
    [
        (
            ("cuda:1", "cuda:1", "cuda:1"),
            -1,
            "embeddings are on cuda:1, but this build of bcl_fast has no CUDA kernels: install it where nvcc is found, "
            "with BCL_CUDA=ON",
        ),
        (("xpu", "xpu", "cpu"), 13000, "embeddings must be on the CPU or a CUDA device, got xpu"),
        (("cuda:0", "cpu", "cuda:0"), 13000, "labels must be on the embeddings' device cuda:0, got cpu"),
        (("cuda:0", "cuda:0", "cpu"), 13000, "raw_radius must be on the embeddings' device cuda:0, got cpu"),
    ],
)
def test_wrong_devices_raise_the_exact_sentence(
    devices: tuple[str, ...], version: int, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_core, "cuda_version", lambda: version)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - compared with the whole sentence below
        checks.check_devices(*map(torch.device, devices))
    assert str(raised.value) == sentence


def test_lists_of_classes_are_known_to_the_cpu_alone() -> None:
    lists = ClassLists(torch.zeros(3, dtype=torch.int64), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(
        ValueError, match=r"^cannot_link is known to the kernels of the CPU alone, got embeddings on cuda"
    ):
        checks._check_lists(*lists, 2, torch.device("cuda"))
    batch = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64), torch.tensor(0.1)
    with pytest.raises(ValueError, match=r"^cannot_link is known to the kernels of the CPU alone, got embeddings on "):
        operator._ball_loss_cuda(*batch, *lists, False, *operator.DEFAULTS)  # the operator called without `ball_loss`


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("gpu", "device must be 'cpu', 'cuda' or 'cuda:<number>', got 'gpu'"),
        ("cuda:x", "device must be 'cpu', 'cuda' or 'cuda:<number>', got 'cuda:x'"),
        ("cuda:7", "device 'cuda:7' cannot be used: the last of the CUDA devices is cuda:1"),
    ],
)
def test_a_device_that_cannot_be_used(device: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "cuda_device_count", lambda: 2)
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        complete_linkage(np.eye(3), 1.0, device=device)
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        radius_graph(np.eye(3), 1.0, device=device)


def test_without_a_device_one_sentence_says_so() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    reason = r"(CUDA 1\d\.\d needs an NVIDIA GPU|this build of bcl_fast has no CUDA kernels)"
    with pytest.raises(InputError, match=f"^device 'cuda' cannot be used: {reason}"):
        radius_graph(np.eye(3), 1.0, device="cuda")


def test_precomputed_dissimilarities_stay_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_core, "cuda_device_count", lambda: 1)
    with pytest.raises(InputError, match=r"clustered on the CPU alone, got device 'cuda'$"):
        complete_linkage(np.zeros((3, 3)), 1.0, metric="precomputed", device="cuda")
