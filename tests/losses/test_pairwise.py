"""The losses that the paper compares with, each against a loop over its samples."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bcl_fast.losses import (
    BallLoss,
    BaselineLoss,
    ContrastiveLoss,
    CrossEntropyLoss,
    LDMLLoss,
    NormFaceLoss,
    PrototypicalLoss,
    TripletLoss,
)
from bcl_fast.training import Recipe, make_loss
from bcl_fast.training._recipe import LOSSES

N_CLASSES = 5


def make_losses() -> dict[str, BaselineLoss]:
    torch.manual_seed(0)
    return {
        "triplet": TripletLoss(seed=3),
        "mean triplet": TripletLoss(reduction="mean", margin=0.2),
        "contrastive": ContrastiveLoss(init_raw=0.3, seed=4),
        "ldml": LDMLLoss(init_bias=1.5),
        "summed ldml": LDMLLoss(reduction="sum"),
        "prototypical": PrototypicalLoss(),
        "general prototypical": PrototypicalLoss(squared_radius=0.2, gamma=1.85),
        "normface": NormFaceLoss(init_scale=4.0),
        "crossentropy": CrossEntropyLoss(6, N_CLASSES),
    }


NAMES = tuple(make_losses())


def make_batch(labels: list[int], seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(len(labels), 6, generator=generator, dtype=torch.float64)
    return embeddings.requires_grad_(), torch.tensor(labels)


def squared(one: Tensor, other: Tensor) -> Tensor:
    return sum(((a - b) ** 2 for a, b in zip(one, other, strict=True)), start=one.new_zeros(()))


def reduced(loss: BaselineLoss, values: list[Tensor], like: Tensor) -> Tensor:
    total = sum(values, start=0 * like.sum())
    return total / max(1, len(values)) if getattr(loss, "reduction", "mean") == "mean" else total


def centroid(f: Tensor, labels: Tensor, k: int) -> Tensor:
    members = [f[i] for i in range(len(f)) if labels[i] == k]
    return sum(members[1:], start=members[0]) / len(members)


def prototypical_reference(loss: PrototypicalLoss, f: Tensor, labels: Tensor) -> Tensor:
    """Eqs. 9-10, a class at a time; on the sphere for NormFace."""
    sphere, classes = isinstance(loss, NormFaceLoss), sorted(set(labels.tolist()))
    f = F.normalize(f, dim=1) if sphere else f
    of_classes = []
    for own in classes:
        of_samples = []
        for i in range(len(f)):
            if labels[i] != own:
                continue
            scores = []
            for k in classes:
                mu = centroid(f, labels, k)
                mu = mu / mu.square().sum().sqrt() if sphere else mu
                scale = loss.scale.double() if isinstance(loss, NormFaceLoss) else 1
                scores.append((loss.squared_radius if k == own else loss.gamma) - scale * squared(f[i], mu))
            of_samples.append(-scores[classes.index(own)] + sum(score.exp() for score in scores).log())
        of_classes.append(sum(of_samples) / len(of_samples))
    return sum(of_classes) / len(of_classes)


def reference(loss: BaselineLoss, f: Tensor, labels: Tensor) -> Tensor:
    """The formulas of the docstrings, one sample, pair or triplet at a time; draws what the loss draws next."""
    if isinstance(loss, TripletLoss):
        triplets = zip(*(part.tolist() for part in loss.triplets(labels)), strict=True)
        return reduced(
            loss, [F.relu(squared(f[i], f[j]) - squared(f[i], f[u]) + loss.margin) for i, j, u in triplets], f
        )
    if isinstance(loss, ContrastiveLoss | LDMLLoss):
        positives, negatives = (zip(*(part.tolist() for part in pair), strict=True) for pair in loss.pairs(labels))
        values = []
        for y, (i, j) in [*((1, pair) for pair in positives), *((0, pair) for pair in negatives)]:
            if isinstance(loss, LDMLLoss):
                p = torch.sigmoid(loss.bias.double() - squared(f[i], f[j]))
                values.append(-(p if y else 1 - p).log())
            else:
                distance = squared(f[i], f[j]).sqrt()
                values.append(distance**2 / 2 if y else F.relu(loss.margin.double() - distance) ** 2 / 2)
        return reduced(loss, values, f)
    if isinstance(loss, PrototypicalLoss):
        return prototypical_reference(loss, f, labels)
    assert isinstance(loss, CrossEntropyLoss)
    weight, bias = loss.classifier.weight.double(), loss.classifier.bias.double()
    logits = [[bias[k] + (weight[k] * f[i]).sum() for k in range(N_CLASSES)] for i in range(len(f))]
    values = [-row[labels[i]] + sum(score.exp() for score in row).log() for i, row in enumerate(logits)]
    return reduced(loss, values, f)


def numbers_of(loss: BaselineLoss) -> list[Tensor]:
    return list(loss.parameters())


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=40)
@given(labels=st.lists(st.integers(0, N_CLASSES - 1), min_size=2, max_size=12), seed=st.integers(0, 2**16))
def test_value_and_gradient_are_the_slow_twins(name, labels, seed):
    loss = make_losses()[name]
    twin = copy.deepcopy(loss)
    embeddings, own = make_batch(labels, seed)
    value = (loss.double() if isinstance(loss, CrossEntropyLoss) else loss)(embeddings, own)
    expected = reference(twin, embeddings, own)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    inputs = [embeddings, *numbers_of(loss)]
    found = torch.autograd.grad(value, inputs, allow_unused=True, materialize_grads=True)
    wanted = torch.autograd.grad(expected, [embeddings, *numbers_of(twin)], allow_unused=True, materialize_grads=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gradcheck(name):
    loss = make_losses()[name].double()
    embeddings, labels = make_batch([0, 1, 1, 4, 0, 1, 3, 3])

    def same_draws(points: Tensor, *numbers: Tensor) -> Tensor:
        return torch.func.functional_call(copy.deepcopy(loss), dict(zip(names, numbers, strict=True)), (points, labels))

    names = [key for key, _ in loss.named_parameters()]
    assert torch.autograd.gradcheck(same_draws, (embeddings, *loss.parameters()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [[0], [2, 2, 2], [0, 1, 2, 3]], ids=["one sample", "one identity", "no pair"])
def test_batches_without_pairs_or_others_are_finite(name, labels):
    loss = make_losses()[name].double()
    embeddings, own = make_batch(labels)
    value = loss(embeddings, own)
    (gradient,) = torch.autograd.grad(value, embeddings)
    assert bool(value.isfinite())
    assert bool(gradient.isfinite().all())
    if "triplet" in name or (name in ("contrastive", "ldml") and len(set(labels)) == len(labels)):
        assert value == 0


@pytest.mark.parametrize("name", NAMES)
def test_coinciding_embeddings_have_a_finite_gradient(name):
    loss = make_losses()[name].double()
    embeddings = torch.ones(6, 6, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss(embeddings, torch.tensor([0, 0, 1, 1, 2, 2])), embeddings)
    assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("name", NAMES)
def test_huge_embeddings_are_no_nan(name):
    embeddings, labels = make_batch([0, 0, 1, 1, 2, 2])
    assert not bool(make_losses()[name].double()(1e6 * embeddings, labels).isnan())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "crossentropy"])
def test_labels_may_be_any_numbers(name):
    embeddings, labels = make_batch([0, 1, 1, 4, 0, 1])
    renamed = torch.tensor([-7, 10**12, 10**12, 0, -7, 10**12])
    one, other = (make_losses()[name].double()(embeddings, y) for y in (labels, renamed))
    assert bool(other.isfinite())
    if "proto" in name or name == "normface":
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("shape", "n_labels", "sentence"),
    [
        ((4, 6), 3, r"labels must have shape \(4,\), got \(3,\)"),
        ((4,), 4, r"embeddings must be 2-D \(n_samples, n_features\), not empty, got shape \(4,\)"),
        ((0, 6), 0, r"embeddings must be 2-D \(n_samples, n_features\), not empty, got shape \(0, 6\)"),
    ],
)
def test_bad_shapes_raise_the_exact_sentence(name, shape, n_labels, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make_losses()[name](torch.ones(shape), torch.zeros(n_labels, dtype=torch.int64))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: TripletLoss(margin=-1.0), "margin must be >= 0, got -1.0"),
        (lambda: LDMLLoss(reduction="none"), "reduction must be 'mean' or 'sum', got 'none'"),
        (lambda: PrototypicalLoss(gamma=-0.5), "gamma must be finite and >= 0, got -0.5"),
        (lambda: PrototypicalLoss(squared_radius=math.inf), "squared_radius must be finite and >= 0, got inf"),
        (lambda: NormFaceLoss(init_scale=0.0), "init_scale must be finite and positive, got 0.0"),
    ],
)
def test_bad_options_raise_the_exact_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make()


def test_a_label_without_a_class_is_refused():
    with pytest.raises(ValueError, match=r"^labels must be in 0\.\.4, got 0\.\.5$"):
        CrossEntropyLoss(2, 5)(torch.ones(2, 2), torch.tensor([0, 5]))


# --- numbers by hand


def test_triplets_by_hand():
    points, labels = torch.tensor([[0.0], [1.0], [1.5]]), torch.tensor([0, 0, 1])
    assert TripletLoss()(points, labels).item() == 0  # 1 - 2.25 + 0.5
    assert TripletLoss(margin=2.0)(points, labels).item() == pytest.approx(1 - 2.25 + 2)


def test_contrastive_and_ldml_by_hand():
    points, labels = torch.tensor([[0.0], [2.0], [3.0]]), torch.tensor([0, 1, 1])
    loss = ContrastiveLoss(init_raw=5.0)
    margin = math.log1p(math.exp(5.0))
    value, options = loss(points, labels).item(), [(0.5 + (margin - d) ** 2 / 2) / 2 for d in (2, 3)]
    assert any(math.isclose(value, option, rel_tol=1e-5) for option in options)
    ldml = LDMLLoss()(points, labels).item()
    options = [(math.log1p(math.exp(1 - 0.5)) + math.log1p(math.exp(0.5 - d))) / 2 for d in (4, 9)]
    assert any(math.isclose(ldml, option, rel_tol=1e-5) for option in options)


def test_prototypical_by_hand():
    points, labels = torch.tensor([[0.0], [2.0], [5.0]], dtype=torch.float64), torch.tensor([0, 0, 1])
    first = (math.log1p(math.exp(1 - 25)) + math.log1p(math.exp(1 - 9))) / 2
    expected = (first + math.log1p(math.exp(0 - 16))) / 2
    assert PrototypicalLoss()(points, labels).item() == pytest.approx(expected, rel=1e-5)


def test_draws_are_new_each_time_and_go_on_after_loading():
    labels = torch.arange(60) % 6
    loss, again = ContrastiveLoss(seed=1), ContrastiveLoss(seed=1)
    first, second = loss.pairs(labels)[1][0], loss.pairs(labels)[1][0]
    assert not torch.equal(first, second)
    assert torch.equal(again.pairs(labels)[1][0], first)
    assert not torch.equal(ContrastiveLoss(seed=2).pairs(labels)[1][0], first)
    restored = ContrastiveLoss(seed=1)
    restored.load_state_dict(again.state_dict())
    assert torch.equal(restored.pairs(labels)[1][0], second)


def test_a_loss_touches_no_global_randomness():
    before = torch.get_rng_state()
    embeddings, labels = make_batch([0, 0, 1, 1])
    for loss in (TripletLoss(), ContrastiveLoss(), LDMLLoss()):
        loss(embeddings, labels)
    assert torch.equal(before, torch.get_rng_state())


def test_negatives_are_as_many_as_positives():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    positives, negatives = LDMLLoss().pairs(labels)
    assert len(positives[0]) == len(negatives[0]) == 4
    assert [len(part) for part in TripletLoss().triplets(labels)] == [4, 4, 4]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_separates_free_embeddings(name):
    """Each loss, minimised over the embeddings themselves, draws identities apart."""
    labels = torch.arange(40) % 8
    points = (0.1 * torch.randn(40, 16, generator=torch.Generator().manual_seed(3))).requires_grad_()
    recipe = Recipe.paper(loss=name, init_raw=-2.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = make_loss(recipe, 8, 16)
    optimizer = torch.optim.Adam([points, *loss.parameters()], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        embeddings = F.normalize(points, dim=1) if recipe.normalized else points
        loss.terms(embeddings, labels).loss.backward()
        optimizer.step()
    embeddings = embeddings.detach()
    pairs = list(itertools.combinations(range(40), 2))
    near = [squared(embeddings[i], embeddings[j]) for i, j in pairs if labels[i] == labels[j]]
    far = [squared(embeddings[i], embeddings[j]) for i, j in pairs if labels[i] != labels[j]]
    assert sum(near) / len(near) < 0.6 * sum(far) / len(far)


def test_only_the_ball_loss_has_a_radius():
    losses = {name: make_loss(Recipe.paper(loss=name), 3, 4) for name in LOSSES}
    assert [name for name, loss in losses.items() if isinstance(loss, BallLoss)] == ["ball"]
    numbers = {name: [p.ndim for p in loss.parameters()] for name, loss in losses.items()}
    assert numbers["triplet"] == numbers["prototypical"] == []
    assert numbers["contrastive"] == numbers["ldml"] == numbers["normface"] == [0]
