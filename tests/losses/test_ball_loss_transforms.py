"""Second derivatives of the ball loss, and `torch.func`: as the kernels, by a formula in plain PyTorch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bcl_fast import BallLoss
from bcl_fast.losses import cannot_link_lists
from bcl_fast.losses._ball_loss_formula import ball_loss_formula
from bcl_fast.losses._ball_loss_kernels import BallLossOptions
from tests.helpers.ball_loss import ball_loss, make_batch

SPACES = ["sphere", "euclidean"]
PAIRS = torch.tensor([[0, 1], [2, 5], [3, 1]])


def batch(n: int = 40) -> tuple[Tensor, Tensor]:
    embeddings, labels, _ = make_batch(n, 5, 6, torch.float64)
    return 3 * embeddings.detach(), labels


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("with_lists", [False, True])
@pytest.mark.parametrize("raw", [-4.0, -1.0, 1.0])
def test_the_formula_equals_the_kernels(space: str, with_lists: bool, raw: float) -> None:
    embeddings, labels = batch()
    options = BallLossOptions(6, 3.0, 0.2, space == "sphere", normalize=space == "sphere")
    lists = cannot_link_lists(PAIRS, 6) if with_lists else (None, None)
    raw_radius = torch.tensor(raw, dtype=torch.float64)
    loss, summary = ball_loss_formula(embeddings, labels, raw_radius, *lists, options)
    named = {"num_classes": 6, "cannot_link": lists if with_lists else None, "alpha": 3.0, "margin": 0.2}
    wanted = ball_loss(embeddings, labels, raw_radius, sphere=options.sphere, normalize=options.sphere, **named)
    torch.testing.assert_close((loss, summary), wanted)


def test_the_formula_leaves_out_classes_without_a_centroid() -> None:
    embeddings, labels = batch()
    embeddings, labels = (
        torch.cat([embeddings, embeddings[:1], -embeddings[:1]]),
        torch.cat([labels, labels[:2] * 0 + 9]),
    )
    options, raw_radius = BallLossOptions(check_finite=False), torch.tensor(-1.0, dtype=torch.float64)
    _, summary = ball_loss_formula(embeddings, labels, raw_radius, None, None, options)
    torch.testing.assert_close(summary, ball_loss(embeddings, labels, raw_radius, check_finite=False)[1])


@pytest.mark.parametrize("space", SPACES)
def test_second_derivative(space: str) -> None:
    embeddings, labels = batch(12)
    loss = BallLoss(space=space, init_raw=-1.0).double()
    assert torch.autograd.gradgradcheck(lambda f: loss(f, labels), (embeddings.requires_grad_(),))
    first = torch.autograd.grad(loss(embeddings, labels), (embeddings, loss.raw_radius), create_graph=True)
    plain = torch.autograd.grad(loss(embeddings, labels), (embeddings, loss.raw_radius))
    torch.testing.assert_close(first, plain)
    first[0].square().sum().backward()  # a gradient penalty
    assert embeddings.grad is not None
    assert embeddings.grad.abs().max() > 0


# torch's own table of forward derivatives is a script.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
@pytest.mark.parametrize("space", SPACES)
def test_func_grad_and_jvp(space: str) -> None:
    embeddings, labels = batch()
    loss = BallLoss(space=space)
    gradient = torch.func.grad(lambda f: loss(f, labels))(embeddings)
    (wanted,) = torch.autograd.grad(loss(embeddings.requires_grad_(), labels), embeddings)
    torch.testing.assert_close(gradient, wanted)
    tangent = torch.randn_like(embeddings)
    _, along = torch.func.jvp(lambda f: loss(f, labels), (embeddings.detach(),), (tangent,))
    torch.testing.assert_close(along, (wanted * tangent).sum())


@pytest.mark.parametrize("num_classes", [None, 6])
def test_vmap_over_embeddings_labels_and_gradients(num_classes: int | None) -> None:
    embeddings, labels = batch()
    loss = BallLoss(num_classes=num_classes)
    many, others = torch.stack([embeddings, embeddings.flip(0)]), torch.stack([labels, labels.roll(1)])
    wanted = torch.stack([loss(f, y) for f, y in zip(many, others, strict=True)])
    torch.testing.assert_close(torch.vmap(loss)(many, others), wanted)
    gradients = torch.vmap(torch.func.grad(loss))(many, others)
    for f, y, gradient in zip(many, others, gradients, strict=True):
        torch.testing.assert_close(gradient, torch.func.grad(loss)(f, y))


def test_functional_call_trains_a_module() -> None:
    embeddings, labels = batch()
    linear, loss = torch.nn.Linear(5, 4).double(), BallLoss().double()

    def value(parameters: dict[str, Tensor]) -> Tensor:
        return loss(torch.func.functional_call(linear, parameters, (embeddings,)), labels)

    gradients = torch.func.grad(value)(dict(linear.named_parameters()))
    loss(linear(embeddings), labels).backward()
    torch.testing.assert_close(gradients["weight"], linear.weight.grad)
