"""What losses take beside tensors, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bcl_fast import BallLoss
from bcl_fast.losses import (
    ContrastiveLoss,
    CrossEntropyLoss,
    LDMLLoss,
    NormFaceLoss,
    PrototypicalLoss,
    TripletLoss,
    cannot_link_lists,
    fit_squared_radius,
)
from tests.helpers.ball_loss import make_batch

LOSSES = {
    "ball": BallLoss,
    "triplet": TripletLoss,
    "contrastive": ContrastiveLoss,
    "ldml": LDMLLoss,
    "prototypical": PrototypicalLoss,
    "normface": NormFaceLoss,
    "crossentropy": lambda: CrossEntropyLoss(6, 5).double(),
}
LABELS = {
    "int32": lambda y: y.int(),
    "uint8": lambda y: y.byte(),
    "array": lambda y: y.numpy(),
    "array of uint16": lambda y: y.numpy().astype(np.uint16),
    "array of objects": lambda y: y.numpy().astype(object),
    "array, read-only": lambda y: np.broadcast_to(y.numpy(), y.shape),
    "array, backwards": lambda y: y.numpy()[::-1].copy()[::-1],
    "array, big-endian": lambda y: y.numpy().astype(">i4"),
    "whole floats": lambda y: y.float(),
    "array of whole floats": lambda y: y.numpy().astype(np.float32),
    "list": lambda y: y.tolist(),
    "list of tensors": list,
    "tuple": lambda y: tuple(y.tolist()),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_whole_numbers(name: str, kind: str) -> None:
    embeddings, labels, _ = make_batch(20, 6, 5, torch.float64)
    torch.manual_seed(0)
    wanted = LOSSES[name]()(embeddings, labels)
    torch.manual_seed(0)
    assert torch.equal(LOSSES[name]()(embeddings, LABELS[kind](labels)), wanted)


@pytest.mark.parametrize("name", LOSSES)
def test_embeddings_as_an_array_or_a_list(name: str) -> None:
    embeddings, labels, _ = make_batch(20, 6, 5, torch.float64)
    rows = embeddings.detach()
    for given in (rows.numpy(), rows.tolist(), list(embeddings)):
        torch.manual_seed(0)
        wanted = LOSSES[name]()(rows, labels)
        torch.manual_seed(0)
        assert torch.equal(LOSSES[name]()(given, labels), wanted)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (torch.tensor([0, 1, 0.5, 1]), "0.5"),
        (np.array([0, 1, 0.5, 1]), "0.5"),
        (["a", "b", "a", "b"], "text: numpy.unique"),
        (np.array(["a", "b", "a", "b"], object), "text: numpy.unique"),
        ([1, None, 2, 2], "nan"),
        (torch.ones(4, dtype=torch.complex64), "torch.complex64"),
        (np.array(["2001-01-01"] * 4, "datetime64[D]"), "datetime64"),
    ],
)
def test_other_labels_raise_one_sentence(name: str, labels: Any, got: str) -> None:
    with pytest.raises(TypeError, match=f"^labels must be whole numbers, got {got}"):
        LOSSES[name]()(torch.rand(4, 6, dtype=torch.float64), labels)


@pytest.mark.parametrize("name", LOSSES)
def test_embeddings_of_whole_numbers_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"^embeddings must be float16, bfloat16, float32 or float64, got torch.int64$"):
        LOSSES[name]()(np.eye(4, 6, dtype=np.int64), [0, 0, 1, 1])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("embeddings", "sentence"),
    [
        (torch.eye(4, 6).to_sparse(), "embeddings must be a dense tensor, got a sparse one"),
        (
            torch.eye(4, 6).to(torch.float8_e5m2),
            "embeddings must be float16, bfloat16, float32 or float64, got torch.flo",
        ),
        (np.full((4, 6), "a"), "embeddings must be float16, bfloat16, float32 or float64, got text"),
    ],
)
def test_embeddings_that_are_no_dense_numbers_raise_one_sentence(name: str, embeddings: Any, sentence: str) -> None:
    with pytest.raises(TypeError, match=f"^{sentence}"):
        LOSSES[name]()(embeddings, [0, 0, 1, 1])


@pytest.mark.parametrize("name", LOSSES)
def test_devices_that_differ_raise_one_sentence(name: str) -> None:
    with pytest.raises(ValueError, match=r"^labels must be on the embeddings' device cpu, got meta$"):
        LOSSES[name]()(torch.eye(4, 6), torch.zeros(4, dtype=torch.int64, device="meta"))


def test_a_classifier_takes_its_features_in_any_precision() -> None:
    loss = CrossEntropyLoss(6, 5)
    embeddings, labels, _ = make_batch(20, 6, 5, torch.float64)
    torch.testing.assert_close(loss(embeddings, labels), loss(embeddings.float(), labels))
    assert torch.isfinite(loss(embeddings.bfloat16(), labels))
    with pytest.raises(ValueError, match=r"^embeddings must have 6 features, got 4$"):
        loss(torch.eye(5, 4), labels[:5])


@pytest.mark.parametrize(
    ("embeddings", "space", "sentence"),
    [
        (torch.full((3, 2), torch.nan), "sphere", "embeddings must be finite, got NaN or infinity"),
        (torch.eye(3), "spheer", "space must be 'sphere' or 'euclidean', got 'spheer'"),
    ],
)
def test_the_radius_wants_points_in_a_space(embeddings: Any, space: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        fit_squared_radius(embeddings, [0, 0, 1], space=space)


def test_pairs_of_classes_as_they_come() -> None:
    wanted = cannot_link_lists(torch.tensor([[0, 2], [2, 1]]), num_classes=3)
    for pairs in ([(0, 2), (2, 1)], np.array([[0, 2], [2, 1]], np.int32)):
        lists = cannot_link_lists(pairs, 3)
        assert all(torch.equal(*parts) for parts in zip(lists, wanted, strict=True))
    assert cannot_link_lists(np.empty((0, 2)), 3).labels.numel() == 0
    with pytest.raises(ValueError, match=r"^pairs must lie in \[0, 3\), got 0 to 3$"):
        cannot_link_lists([(0, 3)], 3)


def test_a_number_of_classes_in_any_form() -> None:
    embeddings, labels, _ = make_batch(20, 6, 5, torch.float64)
    for number in (5.0, np.int32(5), torch.tensor(5)):
        assert torch.equal(BallLoss(num_classes=number)(embeddings, labels), BallLoss()(embeddings, labels))
