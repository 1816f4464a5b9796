"""The ball loss of several processes: value and gradients are those of one process that has the whole batch."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from bcl_fast import BallLoss
from bcl_fast.losses import cannot_link_lists
from tests.helpers.ball_loss import DTYPES, make_batch
from tests.helpers.ranks import Ranks, running_ranks


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranks]:
    with running_ranks(3, tmp_path_factory.mktemp("ranks")) as started:
        yield started


def parts_of(values: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    return [part.clone() for part in values.detach().split(list(sizes))]


def loss_and_gradients(
    embeddings: Tensor, labels: Tensor, options: dict[str, Any], pairs: Tensor | None = None, factor: float = 1.0
) -> tuple[Tensor, ...]:
    """Return the terms of the loss, and the gradients of embeddings and radius of a multiple of it."""
    loss = BallLoss(init_raw=-1.0, **options).to(embeddings.dtype)
    rows = embeddings.detach().requires_grad_()
    lists = None if pairs is None else cannot_link_lists(pairs, options["num_classes"])
    terms = loss.terms(rows, labels, lists)
    (factor * terms.loss).backward()
    return torch.stack([term.detach() for term in terms]), rows.grad, loss.raw_radius.grad


def share(group: Any, embeddings: list[Tensor], labels: list[Tensor], options: dict[str, Any], *rest: Any) -> Any:
    mine = dist.get_rank(group)
    return loss_and_gradients(embeddings[mine], labels[mine], {**options, "process_group": group}, *rest)


def assert_equals_one_process(
    ranks: Ranks, embeddings: Tensor, labels: Tensor, sizes: Sequence[int], options: dict[str, Any], *rest: Any
) -> None:
    wanted_terms, wanted_gradient, wanted_raw = loss_and_gradients(embeddings, labels, options, *rest)
    answers = ranks(share, parts_of(embeddings, sizes), parts_of(labels, sizes), options, *rest, size=len(sizes))
    exact = embeddings.dtype == torch.float64
    close = {"rtol": 1e-11, "atol": 1e-13} if exact else {"rtol": 1e-5, "atol": 1e-6}
    for terms, _, raw in answers:
        torch.testing.assert_close(terms, wanted_terms, **close)
        torch.testing.assert_close(raw, wanted_raw, **close)
        assert torch.equal(terms, answers[0][0])  # the same bits everywhere
        assert torch.equal(raw, answers[0][2])
    torch.testing.assert_close(torch.cat([gradient for _, gradient, _ in answers]), wanted_gradient, **close)


SPLITS = {
    "two": (20, 20),
    "three": (13, 14, 13),
    "uneven": (37, 3),
    "one sample": (1, 38, 1),
    "one has none": (0, 40),
    "two have none": (0, 40, 0),
    "alone": (40,),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("space", ["sphere", "euclidean"])
@pytest.mark.parametrize("sizes", SPLITS.values(), ids=SPLITS)
def test_equals_one_process(ranks: Ranks, sizes: tuple[int, ...], space: str, dtype: torch.dtype) -> None:
    embeddings, labels, _ = make_batch(40, 7, 9, dtype)
    for options in ({}, {"num_classes": 9}, {"num_classes": 1000, "normalize": False, "check_finite": False}):
        assert_equals_one_process(ranks, embeddings, labels, sizes, {"space": space, **options})


@pytest.mark.parametrize("sizes", [(20, 20), (13, 14, 13)])
def test_classes_lie_anywhere(ranks: Ranks, sizes: tuple[int, ...]) -> None:
    """Sorted labels: a class is in one process, or in two; the last process has one class alone."""
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float64)
    sorted_labels = labels.sort().values
    sorted_labels[sum(sizes[:-1]) :] = 100
    assert_equals_one_process(ranks, embeddings, sorted_labels, sizes, {})
    assert_equals_one_process(ranks, embeddings, torch.full_like(labels, -5), sizes, {})


def test_labels_are_any_numbers(ranks: Ranks) -> None:
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float64)
    values = torch.tensor([-(2**63), 2**63 - 1, 0, -1, 2**40, 7, -7, 1, 2**62])
    assert_equals_one_process(ranks, embeddings, values[labels], (11, 12, 17), {})


@limits(max_examples=60)
@given(
    sizes=st.lists(st.integers(0, 12), min_size=2, max_size=3).filter(any),
    d=st.integers(2, 9),
    k=st.integers(1, 12),
    seed=st.integers(0, 2**16),
    alpha=st.floats(0, 8),
    margin=st.floats(0, 1),
    space=st.sampled_from(["sphere", "euclidean"]),
    scale=st.sampled_from([1e-3, 1.0, 30.0]),
    pairs=st.none() | st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
    factor=st.sampled_from([1.0, -0.3]),
)
def test_any_split_of_any_batch(ranks, sizes, d, k, seed, alpha, margin, space, scale, pairs, factor) -> None:
    embeddings, labels, _ = make_batch(sum(sizes), d, k, torch.float64, seed)
    options = {"space": space, "alpha": alpha, "margin": margin, "num_classes": 12}
    listed = None if pairs is None else torch.tensor([pair for pair in pairs if pair[0] != pair[1]]).reshape(-1, 2)
    assert_equals_one_process(ranks, embeddings.detach() * scale, labels, sizes, options, listed, factor)


def test_cannot_link_lists_go_by_label(ranks: Ranks) -> None:
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float64)
    pairs = torch.tensor([[0, 3], [4, 8], [7, 2], [15, 1]])
    assert_equals_one_process(ranks, embeddings, 2 * labels, (7, 33), {"num_classes": 20}, pairs)


def test_without_check_a_class_without_centroid_takes_no_part(ranks: Ranks) -> None:
    """Its two samples lie in two processes, which see it only together."""
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float64)
    rows = torch.cat([embeddings.detach()[:1], embeddings.detach(), -embeddings.detach()[:1]])
    classes = torch.cat([torch.tensor([50]), labels, torch.tensor([50])])
    assert_equals_one_process(ranks, rows, classes, (20, 22), {"check_finite": False})
    batches = list(zip(parts_of(rows, (20, 22)), parts_of(classes, (20, 22)), strict=True))
    first, second = ranks.failures(refused, batches, [{}, {}])
    assert first.endswith("those of the class of sample 0 do, so it has no centroid")
    assert second.endswith("those of the class of sample 21 do, so it has no centroid")


# ---- in a network


def make_network(seed: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(7, 16), nn.Tanh(), nn.Linear(16, 5)).double()


class WithUnusedPart(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = make_network(), nn.Linear(7, 5).double()

    def forward(self, points: Tensor) -> Tensor:
        return self.used(points)


def gradients_of(model: nn.Module, loss: BallLoss, batches: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Accumulate the gradients of all batches."""
    for number, (points, labels) in enumerate(batches):
        last = number == len(batches) - 1
        if isinstance(model, DistributedDataParallel) and not last:
            with model.no_sync():
                loss(model(points), labels).backward()
        else:
            loss(model(points), labels).backward()
    gradients = [weight.grad for weight in [*model.parameters(), *loss.parameters()]]
    return [torch.zeros(1) if gradient is None else gradient for gradient in gradients]


def in_ddp(
    group: Any, batches: list[tuple[list[Tensor], list[Tensor]]], unused: bool, loss_in_ddp: bool, factor: bool
) -> list[Tensor]:
    mine = dist.get_rank(group)
    options = {"find_unused_parameters": unused, "process_group": group}
    model = DistributedDataParallel(WithUnusedPart() if unused else make_network(), **options)
    loss: Any = BallLoss(process_group=group, averaged_gradients=not factor).double()
    if loss_in_ddp:
        loss = DistributedDataParallel(loss, process_group=group)
    scaled = (lambda *batch: dist.get_world_size(group) * loss(*batch)) if factor else loss
    scaled_loss = scaled if isinstance(scaled, nn.Module) else _Called(loss, scaled)
    return gradients_of(model, scaled_loss, [(points[mine], labels[mine]) for points, labels in batches])


class _Called(nn.Module):
    def __init__(self, loss: nn.Module, function: Any) -> None:
        super().__init__()
        self.loss, self.function = loss, function

    def forward(self, *batch: Tensor) -> Tensor:
        return self.function(*batch)


@pytest.mark.parametrize("sizes", [(20, 20), (5, 14, 21)])
@pytest.mark.parametrize("n_batches", [1, 3])
@pytest.mark.parametrize(("unused", "loss_in_ddp"), [(False, False), (True, True)])
def test_in_distributed_data_parallel(
    ranks: Ranks, sizes: tuple[int, ...], n_batches: int, unused: bool, loss_in_ddp: bool
) -> None:
    batches = [make_batch(40, 7, 9, torch.float64, seed)[:2] for seed in range(n_batches)]
    split = [(parts_of(points, sizes), parts_of(labels, sizes)) for points, labels in batches]
    whole = [(points.detach(), labels) for points, labels in batches]
    wanted = gradients_of(WithUnusedPart() if unused else make_network(), BallLoss().double(), whole)
    for gradients in ranks(in_ddp, split, unused, loss_in_ddp, False, size=len(sizes)):
        for mine, reference in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-12)


def test_the_factor_for_averaged_gradients_spares_the_radius(ranks: Ranks) -> None:
    """By hand: the loss times the number of processes; the radius then gets that factor too."""
    points, labels, _ = make_batch(40, 7, 9, torch.float64)
    split = [(parts_of(points, (15, 25)), parts_of(labels, (15, 25)))]
    *network, radius = gradients_of(make_network(), BallLoss().double(), [(points.detach(), labels)])
    for *gradients, raw in ranks(in_ddp, split, False, False, True):
        for mine, reference in zip(gradients, network, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(raw, 2 * radius)


def compiled(group: Any, embeddings: list[Tensor], labels: list[Tensor], num_classes: int | None) -> Any:
    loss = BallLoss(process_group=group, num_classes=num_classes)
    step = torch.compile(
        lambda rows, classes: 2 * loss(F.normalize(rows, dim=1), classes), fullgraph=True, backend="aot_eager"
    )
    rows = embeddings[dist.get_rank(group)].requires_grad_()
    value = step(rows, labels[dist.get_rank(group)])
    value.backward()
    return value.detach() / 2, rows.grad / 2


@pytest.mark.parametrize("num_classes", [None, 9])
def test_compiles_without_graph_break(ranks: Ranks, num_classes: int | None) -> None:
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float32)
    sizes = (15, 25)
    answers = ranks(compiled, parts_of(embeddings, sizes), parts_of(labels, sizes), num_classes)
    rows = embeddings.detach().requires_grad_()
    wanted = BallLoss()(F.normalize(rows, dim=1), labels)
    wanted.backward()
    torch.testing.assert_close(answers[1][0], wanted.detach())
    torch.testing.assert_close(torch.cat([gradient for _, gradient in answers]), rows.grad, rtol=1e-5, atol=1e-6)


def checked_operator(group: Any, embeddings: Tensor, labels: Tensor) -> None:
    for with_gradient in (True, False):
        arguments = (embeddings, labels, torch.tensor(-1.0), None, None, with_gradient, 4, 4.0, 0.05, True, True, False)
        torch.library.opcheck(torch.ops.bcl_fast.ball_loss.default, (*arguments, group.group_name, True))


def test_opcheck(ranks: Ranks) -> None:
    embeddings, labels, _ = (tensor.detach() for tensor in make_batch(20, 6, 4, torch.float32))
    assert ranks(checked_operator, embeddings, labels, size=1) == [None]


def in_other_forms(group: Any, rows: list[Tensor], labels: list[Tensor]) -> list[float]:
    """The loss by a name, from a copy, from a file, in half precision, of lists; and where only one wants gradients."""
    mine = dist.get_rank(group)
    loss = BallLoss(process_group=group.group_name)
    batch = (rows[mine], labels[mine])
    forms = [loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))]
    values = [float(form(*batch).detach()) for form in forms]
    values.append(float(loss(rows[mine].numpy(), labels[mine].tolist()).detach()))
    values.append(float(loss(rows[mine].requires_grad_(mine == 1), labels[mine]).detach()))
    with torch.no_grad():
        values.append(float(loss(*batch)))
    return [*values, float(loss(rows[mine].bfloat16(), labels[mine]).detach())]


def test_what_it_is_called_with(ranks: Ranks) -> None:
    embeddings, labels, _ = make_batch(40, 7, 9, torch.float32)
    wanted = float(BallLoss()(embeddings.detach(), labels).detach())
    for *values, half in ranks(in_other_forms, parts_of(embeddings, (15, 25)), parts_of(labels, (15, 25))):
        assert values == pytest.approx([wanted] * len(values), rel=1e-5)
        assert half == pytest.approx(wanted, rel=0.05)


# ---- what is refused, in all processes


def refused(group: Any, batches: list[tuple[Tensor, Tensor]], options: list[dict[str, Any]], lists: Any = None) -> None:
    mine = dist.get_rank(group)
    loss = BallLoss(process_group=group, **options[mine])
    loss(*batches[mine], None if lists is None else lists[mine])


def batches_with(**changes: Any) -> list[tuple[Tensor, Tensor]]:
    """Two good batches, the second with other embeddings or labels."""
    embeddings, labels, _ = (tensor.detach() for tensor in make_batch(12, 4, 3, torch.float32))
    return [(embeddings, labels), (changes.get("embeddings", embeddings), changes.get("labels", labels))]


E, Y = batches_with()[0]
WAITING = "ValueError: process 1 refused its part of the batch, and says why"
SUMMED = "embeddings must be finite and their class sums too: those of another process, or the sums over all, are not"
REFUSED_BATCHES = {
    "1-D": ({"embeddings": E[0]}, {}, WAITING, "embeddings must be 2-D"),
    "label count": ({"labels": Y[:2]}, {}, WAITING, "labels must have shape (12,), one per embedding, got (2,)"),
    "text": ({"labels": ["a"] * 12}, {}, WAITING, "labels must be whole numbers, got text"),
    "integers": ({"embeddings": E.long()}, {}, WAITING, "embeddings must be float16, bfloat16, float32 or float64"),
    "label out of range": (
        {"labels": Y.index_fill(0, torch.tensor([3]), 9)},
        {"num_classes": 3},
        WAITING,
        "labels must lie in [0, 3), got 9 at position 3",
    ),
    "features": (
        {"embeddings": E[:, :3]},
        {},
        "n_features is 4 in process 0 and 3 in process 1",
        "n_features is 4 in process 0 and 3 in process 1",
    ),
    "precision": (
        {"embeddings": E.double()},
        {},
        "bits of a number is 32 in process 0 and 64",
        "bits of a number is 32 in process 0 and 64",
    ),
    "NaN": (
        {"embeddings": E.index_fill(0, torch.tensor([2]), torch.nan)},
        {},
        SUMMED,
        "embeddings must be finite, got NaN or infinity in row 2",
    ),
    "no centroid": (
        {"embeddings": torch.cat([E[:1], -E[:1]]), "labels": torch.tensor([77, 77])},
        {},
        "those of a class of other processes do, so it has no centroid",
        "those of the class of sample 0 do, so it has no centroid",
    ),
}


@pytest.mark.parametrize("case", REFUSED_BATCHES)
def test_what_one_process_may_not_have_ends_all(ranks: Ranks, case: str) -> None:
    changes, options, others, own = REFUSED_BATCHES[case]
    first, second = ranks.failures(refused, batches_with(**changes), [options, options])
    assert others in first
    assert own in second
    assert_equals_one_process(ranks, E, Y, (6, 6), {})  # and nobody is out of step


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ({"alpha": 2.0}, {}, "alpha is 2.0 in process 0 and 4.0 in process 1"),
        ({}, {"margin": 0.1}, "margin is 0.05 in process 0 and 0.1 in process 1"),
        ({"num_classes": 3}, {}, "num_classes is 3 in process 0 and -1 in process 1"),
        ({"space": "euclidean"}, {}, "sphere is False in process 0 and True in process 1"),
        ({"averaged_gradients": True}, {}, "averaged_gradients is True in process 0 and False in process 1"),
        ({}, {"init_raw": 0.5}, "raw_radius is 0.10000000149011612 in process 0 and 0.5 in process 1"),
    ],
)
def test_processes_that_disagree_are_refused(ranks: Ranks, one: Any, other: Any, difference: str) -> None:
    sentence = f"InputError: the processes must have the same options and data of the ball loss: {difference}"
    assert ranks.failures(refused, batches_with(), [one, other]) == [sentence, sentence]


def test_lists_that_differ_are_refused(ranks: Ranks) -> None:
    lists = [cannot_link_lists(torch.tensor([pair]), 3) for pair in ([0, 1], [0, 2])]
    options = [{"num_classes": 3}] * 2
    for sentence in ranks.failures(refused, batches_with(), options, lists):
        assert "checksum of cannot_link is" in sentence
    wrong = lists[0]._replace(labels=torch.tensor([1, 7]))
    first, second = ranks.failures(refused, batches_with(), options, [lists[0], wrong])
    assert first == WAITING
    assert second == "ValueError: cannot_link: labels must lie in [0, 3), got 7 at position 1"


def test_nobody_has_a_sample(ranks: Ranks) -> None:
    nothing = [(E[:0], Y[:0])] * 2
    assert set(ranks.failures(refused, nothing, [{}, {}])) == {
        "ValueError: embeddings must not be empty in all processes"
    }


def twice_differentiated(group: Any) -> None:
    rows = E.clone().requires_grad_()
    loss = BallLoss(process_group=group)(rows, Y)
    torch.autograd.grad(loss, rows, create_graph=True)


def transformed(group: Any) -> None:
    torch.func.grad(BallLoss(process_group=group))(E, Y)


@pytest.mark.parametrize(
    ("function", "what"),
    [(twice_differentiated, "second derivatives of it"), (transformed, "the transforms of torch.func")],
)
def test_what_wants_one_process(ranks: Ranks, function: Any, what: str) -> None:
    sentence = f"ValueError: the ball loss of a process_group has one gradient alone: {what} want one process"
    assert ranks.failures(function) == [sentence, sentence]


def test_without_a_group_one_sentence_says_so() -> None:
    with pytest.raises(ValueError, match=r"^process_group 'world' wants torch.distributed.init_process_group before"):
        BallLoss(process_group="world")(E, Y)
    with pytest.raises(ValueError, match=r"^process_group must be a group .* or 'world', got -100$"):
        BallLoss(process_group=dist.GroupMember.NON_GROUP_MEMBER)
