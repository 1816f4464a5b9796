"""``torch.ops.bcl_fast.ball_loss`` is public: whatever it is called with, it answers in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import bcl_fast.losses._ball_loss_kernels  # noqa: F401 - registers the operators

N = 50
EMBEDDINGS = torch.randn(N, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(N) % 3
RAW = torch.tensor(0.1)


def call(
    embeddings: Any = EMBEDDINGS, labels: Any = LABELS, raw: Any = RAW, lists: Any = (None, None), **options: Any
) -> Any:
    options = {"num_classes": 3, "alpha": 4.0, "margin": 0.05, "sphere": True, "check_finite": True, **options}
    return torch.ops.bcl_fast.ball_loss(embeddings, labels, raw, *lists, True, *options.values())


BAD = {
    "labels empty": ({"labels": LABELS[:0]}, "labels must have shape (50,), one per embedding, got (0,)"),
    "labels empty, any number": (
        {"labels": LABELS[:0], "num_classes": -1},
        "labels must have shape (50,), one per embedding, got (0,)",
    ),
    "labels short": ({"labels": LABELS[:1]}, "labels must have shape (50,), one per embedding, got (1,)"),
    "labels 2-D": ({"labels": LABELS[:, None]}, "labels must have shape (50,), one per embedding, got (50, 1)"),
    "labels int32": (
        {"labels": LABELS.int(), "num_classes": -1},
        "labels must be int64 where the operator is called directly, got torch.int32",
    ),
    "labels float": (
        {"labels": LABELS.float()},
        "labels must be int64 where the operator is called directly, got torch.float32",
    ),
    "label too large": ({"labels": LABELS + 1}, "labels must lie in [0, 3), got 3 at position 2"),
    "label negative": ({"labels": LABELS - 1}, "labels must lie in [0, 3), got -1 at position 0"),
    "labels elsewhere": ({"labels": LABELS.to("meta")}, "labels must be on the embeddings' device cpu, got meta"),
    "embeddings 1-D": (
        {"embeddings": EMBEDDINGS[0], "labels": LABELS[:8]},
        "embeddings must be 2-D (n_samples, n_features), got shape (8,)",
    ),
    "embeddings empty": (
        {"embeddings": EMBEDDINGS[:0], "labels": LABELS[:0]},
        "embeddings must not be empty, got shape (0, 8)",
    ),
    "no features": ({"embeddings": EMBEDDINGS[:, :0]}, "embeddings must not be empty, got shape (50, 0)"),
    "embeddings int": (
        {"embeddings": EMBEDDINGS.long()},
        "embeddings must be float16, bfloat16, float32 or float64, got torch.int64",
    ),
    "no classes": ({"num_classes": 0}, "num_classes must be >= 1, or -1 for labels of any value, got 0"),
    "negative classes": ({"num_classes": -5}, "num_classes must be >= 1, or -1 for labels of any value, got -5"),
    "endless classes": (
        {"num_classes": 2**62},
        f"num_classes must be 1 to 2**31 - 1, or -1 for labels of any value, got {2**62}",
    ),
    "raw of two": ({"raw": torch.zeros(2)}, "raw_radius must be one number, got shape (2,)"),
    "raw int": ({"raw": torch.tensor(1)}, "raw_radius must be a floating-point number, got torch.int64"),
    "alpha": ({"alpha": float("nan")}, "alpha must be >= 0, got nan"),
    "offsets short": (
        {"lists": (torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64))},
        "cannot_link must have num_classes + 1 (4) offsets, got 1",
    ),
    "offsets alone": (
        {"lists": (torch.zeros(4, dtype=torch.int64), None)},
        "cannot_link must have both offsets and labels, got no labels",
    ),
    "offsets beyond": (
        {"lists": (torch.tensor([0, 2, 2, 10**9]), torch.tensor([1, 2]))},
        "cannot_link: offsets must run from 0 to the number of listed labels, 2",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_raise_one_sentence(case: str) -> None:
    arguments, sentence = BAD[case]
    with pytest.raises((ValueError, TypeError)) as raised:
        call(**arguments)
    assert str(raised.value) == sentence


def test_a_batch_that_is_not_contiguous() -> None:
    strided = EMBEDDINGS.t().contiguous().t()
    for found, wanted in zip(call(strided, LABELS.repeat_interleave(2)[::2]), call(), strict=True):
        assert torch.equal(found, wanted)


def test_many_classes_cost_nothing() -> None:
    # A table of them would take 8 GB.
    torch.testing.assert_close(call(num_classes=2**31 - 1), call())
    with pytest.raises(ValueError, match=r"^labels must lie in \[0, 2147483647\), got 2147483647 at position 0$"):
        call(labels=LABELS + 2**31 - 1, num_classes=2**31 - 1)


def test_options_may_be_left_out() -> None:
    found = torch.ops.bcl_fast.ball_loss(EMBEDDINGS, LABELS, RAW, None, None, True)
    for mine, wanted in zip(found, call(num_classes=-1), strict=True):
        assert torch.equal(mine, wanted)


def test_without_a_gradient_there_are_no_rows_of_it() -> None:
    gradient, loss, summary = torch.ops.bcl_fast.ball_loss(EMBEDDINGS, LABELS, RAW, None, None, False)
    wanted = call(num_classes=-1)
    assert gradient.shape == (0, 8)
    assert torch.equal(loss, wanted[1])
    assert torch.equal(summary, wanted[2])


@pytest.mark.parametrize(
    ("gradient", "summary", "factor", "name"),
    [
        (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(6), torch.tensor(1), "gradient"),
        (torch.zeros(4), torch.zeros(6), torch.tensor(1.0), "gradient"),
        (torch.zeros(8, 2)[::2], torch.zeros(6), torch.tensor(1.0), "gradient"),
        (torch.zeros(2, 2), torch.zeros(5), torch.tensor(1.0), "summary"),
        (torch.zeros(2, 2), torch.zeros(12)[::2], torch.tensor(1.0), "summary"),
        (torch.zeros(2, 2), torch.zeros(6, dtype=torch.float64), torch.tensor(1.0), "summary"),
        (torch.zeros(2, 2), torch.zeros(6), torch.zeros(2), "loss_gradient"),
        (torch.zeros(2, 2), torch.zeros(6), torch.tensor(1.0, dtype=torch.float64), "loss_gradient"),
    ],
)
def test_the_backward_operator_refuses_what_the_forward_did_not_return(
    gradient: torch.Tensor, summary: torch.Tensor, factor: torch.Tensor, name: str
) -> None:
    with pytest.raises(ValueError, match=f"^{name} must "):
        torch.ops.bcl_fast.ball_loss_backward(gradient, summary, factor)
