"""The operator ``ball_loss`` with lists of the classes that push each other away: the five tests, as without."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bcl_fast import BallLoss
from bcl_fast.losses import cannot_link_lists
from bcl_fast.losses._ball_loss_kernels import SUMMARY
from bcl_fast.losses._ball_loss_op import ClassLists
from tests.helpers.ball_loss import DTYPES, ball_loss, ball_loss_reference, make_batch, value_and_gradients


def some_pairs(k: int, n_pairs: int, seed: int = 0) -> Tensor:
    pairs = torch.randint(0, k, (n_pairs, 2), generator=torch.Generator().manual_seed(seed))
    return pairs[pairs[:, 0] != pairs[:, 1]]


def as_matrix(pairs: Tensor, k: int) -> Tensor:
    apart = torch.zeros(k, k, dtype=torch.bool)
    apart[pairs[:, 0], pairs[:, 1]] = True
    return apart | apart.T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sphere", [True, False])
@pytest.mark.parametrize(("n", "d", "k"), [(1, 1, 1), (7, 5, 3), (32, 32, 8), (33, 17, 40), (640, 64, 96)])
def test_equals_reference(n: int, d: int, k: int, sphere: bool, dtype: torch.dtype) -> None:
    batch = make_batch(n, d, k, dtype)
    tolerance = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 1e-11, "atol": 1e-12}
    pairs = some_pairs(k, 2 * k)
    options = {"sphere": sphere, "num_classes": k, "cannot_link": cannot_link_lists(pairs, k)}
    ours = value_and_gradients(ball_loss, *batch, **options)
    wanted = value_and_gradients(ball_loss_reference, *batch, sphere=sphere, apart=as_matrix(pairs, k))
    for mine, reference in zip(ours, wanted, strict=True):
        torch.testing.assert_close(mine, reference, **tolerance)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    d=st.integers(2, 9),
    k=st.integers(1, 12),
    n_pairs=st.integers(0, 30),
    seed=st.integers(0, 2**16),
    raw=st.floats(-6, 2),
)
def test_equals_reference_on_any_lists(n, d, k, n_pairs, seed, raw) -> None:
    embeddings, labels, _ = make_batch(n, d, k, torch.float64, seed)
    raw_radius = torch.tensor(raw, dtype=torch.float64, requires_grad=True)
    pairs = some_pairs(k, n_pairs, seed)
    for sphere in (True, False):
        options = {"sphere": sphere, "num_classes": k, "cannot_link": cannot_link_lists(pairs, k)}
        ours = value_and_gradients(ball_loss, embeddings, labels, raw_radius, **options)
        wanted = value_and_gradients(
            ball_loss_reference, embeddings, labels, raw_radius, sphere=sphere, apart=as_matrix(pairs, k)
        )
        for mine, reference in zip(ours, wanted, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-11)


def test_all_pairs_are_the_loss_without_lists() -> None:
    batch = make_batch(200, 16, 12, torch.float64)
    lists = cannot_link_lists(torch.combinations(torch.arange(12)), 12)
    ours = value_and_gradients(ball_loss, *batch, num_classes=12, cannot_link=lists)
    for mine, wanted in zip(ours, value_and_gradients(ball_loss, *batch, num_classes=12), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-12, atol=1e-12)


def test_no_pairs_leave_the_similar_part_alone() -> None:
    embeddings, labels, raw_radius = make_batch(50, 8, 6, torch.float64)
    lists = cannot_link_lists(torch.empty(0, 2, dtype=torch.int64), 6)
    loss, summary = ball_loss(embeddings, labels, raw_radius, num_classes=6, cannot_link=lists)
    torch.testing.assert_close(loss, 4 * summary[SUMMARY.index("similar")])
    assert summary[SUMMARY.index("violated_dissimilar")] == 0


def test_a_class_with_itself_or_without_centroid_pushes_nobody() -> None:
    f = F.normalize(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)), dim=1)
    embeddings, labels = torch.cat([f, f[:1], -f[:1]]), torch.tensor([0, 0, 1, 1, 2, 2])
    lists = ClassLists(torch.tensor([0, 2, 3, 3]), torch.tensor([0, 2, 1]))
    options = {"num_classes": 3, "check_finite": False, "cannot_link": lists}
    _, summary = ball_loss(embeddings, labels, torch.tensor(2.0), **options)
    assert summary[SUMMARY.index("dissimilar")] == 0


@pytest.mark.parametrize("sphere", [True, False])
def test_gradcheck(sphere: bool) -> None:
    embeddings, labels, raw_radius = make_batch(12, 5, 4, torch.float64)
    options = {"sphere": sphere, "num_classes": 4, "cannot_link": cannot_link_lists(some_pairs(4, 4), 4)}
    assert torch.autograd.gradcheck(lambda f, r: ball_loss(f, labels, r, **options)[0], (embeddings, raw_radius))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("with_gradient", [True, False])
def test_opcheck(dtype: torch.dtype, with_gradient: bool) -> None:
    embeddings, labels, raw_radius = (t.detach() for t in make_batch(20, 6, 4, dtype))
    lists = cannot_link_lists(some_pairs(4, 4), 4)
    arguments = (embeddings, labels, raw_radius, *lists, with_gradient, 4, 4.0, 0.05, True, True)
    torch.library.opcheck(torch.ops.bcl_fast.ball_loss.default, arguments)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_compiles_without_graph_break() -> None:
    batch, lists = make_batch(50, 8, 9, torch.float32), cannot_link_lists(some_pairs(9, 9), 9)

    def step(embeddings: Tensor, labels: Tensor, raw_radius: Tensor) -> Tensor:
        unit = F.normalize(embeddings, dim=1)
        return 2 * ball_loss(unit, labels, raw_radius, num_classes=9, cannot_link=lists)[0]

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    for mine, eager in zip(value_and_gradients(compiled, *batch), value_and_gradients(step, *batch), strict=True):
        torch.testing.assert_close(mine, eager)


def test_the_module_takes_lists() -> None:
    embeddings, labels, _ = make_batch(60, 8, 7, torch.float32)
    pairs = some_pairs(7, 8)
    loss, lists = BallLoss(num_classes=7, init_raw=-1.0), cannot_link_lists(pairs, 7)
    wanted = ball_loss_reference(embeddings, labels, torch.tensor(-1.0), apart=as_matrix(pairs, 7))
    torch.testing.assert_close(loss(embeddings, labels, lists), wanted)
    terms = loss.terms(embeddings, labels, lists)
    torch.testing.assert_close(terms.loss, 4 * terms.similar + terms.dissimilar)


def test_lists_hold_each_pair_in_both_directions_once() -> None:
    lists = cannot_link_lists(torch.tensor([[3, 0], [0, 3], [1, 3], [3, 0]]), 5)
    assert lists.offsets.tolist() == [0, 1, 2, 2, 4, 4]
    assert lists.labels.tolist() == [3, 3, 0, 1]


LISTS = cannot_link_lists(torch.tensor([[0, 1], [1, 2]]), 3)
BAD_LISTS = {
    "no num_classes": (
        None,
        LISTS,
        ValueError,
        "cannot_link lists classes by label, so it wants num_classes, got None",
    ),
    "dtype": (
        3,
        ClassLists(LISTS.offsets.int(), LISTS.labels),
        TypeError,
        "cannot_link must hold 1-D int64 offsets and labels, "
        "got torch.int32 of shape (4,) and torch.int64 of shape (4,)",
    ),
    "too few offsets": (
        3,
        ClassLists(LISTS.offsets[:3], LISTS.labels),
        ValueError,
        "cannot_link must have num_classes + 1 (4) offsets, got 3",
    ),
    "offsets end early": (
        3,
        ClassLists(LISTS.offsets, LISTS.labels[:3]),
        ValueError,
        "cannot_link: offsets must run from 0 to the number of listed labels, 3",
    ),
    "offsets decrease": (
        3,
        ClassLists(torch.tensor([0, 3, 1, 4]), LISTS.labels),
        ValueError,
        "cannot_link: offsets must not decrease",
    ),
    "label too large": (
        3,
        ClassLists(LISTS.offsets, torch.tensor([1, 0, 3, 1])),
        ValueError,
        "cannot_link: labels must lie in [0, 3), got 3 at position 2",
    ),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists_raise_the_exact_sentence(case: str) -> None:
    num_classes, lists, kind, sentence = BAD_LISTS[case]
    embeddings, labels, raw_radius = make_batch(6, 4, 3, torch.float32)
    with pytest.raises(kind) as raised:
        ball_loss(embeddings, labels, raw_radius, num_classes=num_classes, cannot_link=lists)
    assert str(raised.value) == sentence


def test_bad_pairs_of_classes() -> None:
    with pytest.raises(TypeError, match=r"^pairs must be whole numbers, got 0.5$"):
        cannot_link_lists(torch.full((2, 2), 0.5), 3)
    with pytest.raises(ValueError, match=r"^pairs must have shape \(n_pairs, 2\), got \(2,\)$"):
        cannot_link_lists([0, 1], 3)


def test_same_bits_for_any_number_of_threads() -> None:
    batch, lists = make_batch(1000, 37, 130, torch.float32), cannot_link_lists(some_pairs(130, 300), 130)
    results, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):
            torch.set_num_threads(threads)
            results.append(value_and_gradients(ball_loss, *batch, num_classes=130, cannot_link=lists))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(mine, first) for mine, first in zip(result, results[0], strict=True))
