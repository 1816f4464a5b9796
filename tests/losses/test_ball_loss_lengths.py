"""The ball loss on the sphere scales embeddings to unit length itself."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bcl_fast import BallLoss
from bcl_fast.losses import cannot_link_lists, fit_squared_radius
from tests.helpers.ball_loss import DTYPES, ball_loss, make_batch, value_and_gradients


def stretched(n: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    embeddings, labels, raw_radius = make_batch(n, 17, 6, dtype)
    lengths = torch.logspace(-3, 3, n, dtype=dtype)[:, None]
    return (embeddings.detach() * lengths).requires_grad_(), labels, raw_radius


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 33, 1100])
def test_equals_the_loss_of_normalised_rows(n: int, dtype: torch.dtype) -> None:
    def behind_normalize(embeddings: Tensor, *others: Tensor) -> Tensor:
        return ball_loss(F.normalize(embeddings, dim=1), *others)[0]

    batch = stretched(n, dtype)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {"rtol": 1e-11, "atol": 1e-11}
    ours, wanted = value_and_gradients(ball_loss, *batch, normalize=True), value_and_gradients(behind_normalize, *batch)
    for mine, reference in zip(ours, wanted, strict=True):
        torch.testing.assert_close(mine, reference, **tolerance)


def test_with_lists_of_classes() -> None:
    embeddings, labels, _ = stretched(60, torch.float64)
    lists = cannot_link_lists(torch.tensor([[0, 1], [2, 5]]), 6)
    loss = BallLoss(num_classes=6).double()
    torch.testing.assert_close(loss(embeddings, labels, lists), loss(F.normalize(embeddings, dim=1), labels, lists))


@pytest.mark.parametrize("dtype", DTYPES)
def test_unit_rows_keep_their_bits(dtype: torch.dtype) -> None:
    embeddings, labels, _ = make_batch(700, 300, 20, dtype)
    assert torch.equal(BallLoss()(embeddings, labels), BallLoss(normalize=False)(embeddings, labels))


def test_gradcheck_at_unit_and_other_lengths() -> None:
    embeddings, labels, raw_radius = make_batch(12, 5, 4, torch.float64)
    for factor in (1.0, 0.3):
        rows = (embeddings.detach() * factor).requires_grad_()
        assert torch.autograd.gradcheck(lambda f, r: ball_loss(f, labels, r, normalize=True)[0], (rows, raw_radius))


def test_opcheck() -> None:
    embeddings, labels, raw_radius = (t.detach() for t in stretched(20, torch.float64))
    arguments = (embeddings, labels, raw_radius, None, None, True, 6, 4.0, 0.05, True, True, True)
    torch.library.opcheck(torch.ops.bcl_fast.ball_loss.default, arguments)


@pytest.mark.parametrize("length", [1e-30, 1e25, 3e37])
def test_any_length_that_float32_holds(length: float) -> None:
    embeddings, labels, _ = make_batch(40, 8, 5, torch.float32)
    loss = BallLoss()
    wanted = loss(embeddings, labels)
    if length < 1e-12:  # no direction: all at zero, so no class has a centroid
        with pytest.raises(ValueError, match="must not sum to zero on the sphere"):
            loss(embeddings * length, labels)
    else:
        torch.testing.assert_close(loss(embeddings * length, labels), wanted)


def test_a_zero_row_stays_at_zero_and_gets_no_gradient() -> None:
    embeddings, labels, raw_radius = make_batch(30, 8, 4, torch.float64)
    rows = embeddings.detach().clone()
    rows[3] = 0
    value, gradient, _ = value_and_gradients(ball_loss, rows.requires_grad_(), labels, raw_radius, normalize=True)
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()
    assert not gradient[3].any()


def test_values_that_are_not_finite_are_named_as_they_came() -> None:
    embeddings, labels, _ = make_batch(10, 4, 3, torch.float32)
    spoiled = 5 * embeddings.detach().index_fill(0, torch.tensor([4]), torch.inf)
    with pytest.raises(ValueError, match=r"^embeddings must be finite, got NaN or infinity in row 4$"):
        BallLoss()(spoiled, labels)
    assert BallLoss(check_finite=False)(spoiled, labels).isnan()


def test_in_euclidean_space_lengths_count() -> None:
    embeddings, labels, _ = make_batch(40, 8, 5, torch.float32)
    loss = BallLoss(space="euclidean")
    assert not torch.isclose(loss(3 * embeddings, labels), loss(embeddings, labels))


def test_the_radius_that_suits_embeddings_does_not_depend_on_their_length() -> None:
    embeddings, labels, _ = make_batch(60, 8, 5, torch.float64)
    assert fit_squared_radius(7 * embeddings, labels) == pytest.approx(fit_squared_radius(embeddings, labels))
