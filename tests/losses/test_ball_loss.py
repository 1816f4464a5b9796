"""The module around the operator."""

from __future__ import annotations

import copy
import multiprocessing

import pytest
import torch
import torch.nn.functional as F

from bcl_fast import BallLoss
from tests.helpers.ball_loss import ball_loss_reference
from tests.helpers.processes import HANG_SECONDS


def make_batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return F.normalize(torch.randn(60, 8, generator=generator), dim=1), torch.randint(0, 7, (60,), generator=generator)


def test_threshold_is_four_squared_radii() -> None:
    loss = BallLoss(init_raw=-1.5)
    assert loss.squared_radius.item() == pytest.approx(0.2014133)
    assert loss.distance_threshold.item() == pytest.approx(4 * 0.2014133)


@pytest.mark.parametrize("space", ["sphere", "euclidean"])
def test_loss_is_the_weighted_sum_of_its_terms(space: str) -> None:
    embeddings, labels = make_batch()
    loss = BallLoss(space=space, alpha=3.0, margin=0.2)
    terms = loss.terms(embeddings, labels)
    torch.testing.assert_close(terms.loss, 3.0 * terms.similar + terms.dissimilar)
    wanted = ball_loss_reference(embeddings, labels, loss.raw_radius, alpha=3.0, margin=0.2, sphere=space == "sphere")
    torch.testing.assert_close(loss(embeddings, labels), wanted)


def test_violated_shares_count_samples() -> None:
    embeddings = torch.eye(4)
    labels = torch.tensor([0, 0, 1, 2])
    terms = BallLoss(init_raw=-3.0).terms(embeddings, labels)  # b = 0.0486, gamma = 0.487
    assert terms.violated_similar.item() == 0.5  # the two that share a centroid lie 0.586 from it
    assert terms.violated_dissimilar.item() == 0.0


def test_only_the_loss_carries_a_gradient() -> None:
    embeddings, labels = make_batch()
    terms = BallLoss().terms(embeddings.requires_grad_(), labels)
    assert terms.loss.requires_grad
    assert not any(term.requires_grad for term in terms[1:])


def test_radius_alone_can_be_trained() -> None:
    embeddings, labels = make_batch()
    loss = BallLoss(init_raw=-4.0)
    loss(embeddings, labels).backward()
    assert loss.raw_radius.grad is not None
    assert loss.raw_radius.grad.abs() > 0
    loss.raw_radius.requires_grad_(False)
    assert not loss(embeddings, labels).requires_grad


def test_training_separates_the_classes() -> None:
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(40) % 8
    embeddings = torch.randn(40, 16, generator=generator).requires_grad_()
    loss = BallLoss(init_raw=-2.0, num_classes=8)
    optimizer = torch.optim.SGD([embeddings, *loss.parameters()], lr=2.0)
    for _ in range(300):
        optimizer.zero_grad()
        value = loss(F.normalize(embeddings, dim=1), labels)
        value.backward()
        optimizer.step()
    assert value.item() < 0.01
    distances = torch.cdist(F.normalize(embeddings, dim=1), F.normalize(embeddings, dim=1)).square()
    within = labels[:, None] == labels[None, :]
    assert distances[within].max() <= loss.distance_threshold < distances[~within].min()


def test_state_and_copy() -> None:
    loss = BallLoss(init_raw=0.7)
    other = BallLoss()
    other.load_state_dict(loss.state_dict())
    assert torch.equal(other.raw_radius, loss.raw_radius)
    assert torch.equal(copy.deepcopy(loss).raw_radius, loss.raw_radius)
    assert "alpha=4.0" in repr(loss)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"space": "torus"}, "space must be 'sphere' or 'euclidean', got 'torus'"),
        ({"alpha": -1.0}, "alpha must be >= 0, got -1.0"),
        ({"margin": float("nan")}, "margin must be >= 0, got nan"),
        ({"num_classes": 0}, "num_classes must be at least 1, got 0"),
        ({"num_classes": -5}, "num_classes must be at least 1, got -5"),
        ({"num_classes": 2.5}, "num_classes must be a whole number, got 2.5"),
        ({"num_classes": "3"}, "num_classes must be a whole number, got '3'"),
    ],
)
def test_bad_options_raise_the_exact_sentence(option: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        BallLoss(**option)


def loss_value() -> float:
    torch.set_num_threads(2)
    embeddings, labels = make_batch()
    return BallLoss()(embeddings.repeat(20, 1), labels.repeat(20)).item()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_works_in_a_forked_child() -> None:
    wanted = loss_value()  # starts the threads, of which a child has none
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(loss_value).get(timeout=HANG_SECONDS) == wanted
