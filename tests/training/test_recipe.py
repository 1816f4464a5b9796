"""The numbers of a training: the paper's by default, and refused out of range."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pytest
import torch

from bcl_fast import FinetuningRecipe
from bcl_fast.errors import InputError
from bcl_fast.training import Recipe

QUICK = Recipe.paper(epochs=25, batch_size=256, learning_rate=0.1, radius_learning_rate_factor=0.01)


def test_the_default_recipe_is_the_papers():
    expected = {
        "head": "mlp",
        "dimensions": None,
        "batch_size": 2000,
        "learning_rate": 0.003,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "lr_decay": 0.9,
        "lr_decay_epochs": 10,
        "radius_freeze_epochs": 5,
        "radius_learning_rate_factor": 0.1,
        "init_raw": 0.1,
        "margin": 0.05,
        "alpha": 4.0,
        "space": "sphere",
        "seed": 0,
    }
    assert expected.items() <= Recipe.paper().as_dict().items()
    assert set(Recipe.paper().as_dict()) == {field.name for field in fields(Recipe)}
    json.dumps(Recipe.paper(dimensions=(4, 3)).as_dict())


def test_numbers_of_numpy_and_torch_are_plain_numbers():
    recipe = Recipe.paper(
        epochs=np.int64(3),
        batch_size=1e3,
        learning_rate=np.float32(0.5),
        alpha=torch.tensor(2.0),
        dimensions=np.array([4, 3]),
    )
    assert recipe == Recipe.paper(epochs=3, batch_size=1000, learning_rate=0.5, alpha=2.0, dimensions=(4, 3))
    json.dumps(recipe.as_dict())
    assert FinetuningRecipe(rounds=2.0, margin=np.float32(0.5)) == FinetuningRecipe(rounds=2, margin=0.5)
    with pytest.raises(InputError, match=r"^patience must be a whole number, got 1\.5$"):
        FinetuningRecipe(patience=1.5)


def test_the_learning_rate_falls_every_ten_epochs():
    rates = [Recipe.paper().learning_rate_at(epoch) for epoch in (1, 10, 11, 21)]
    np.testing.assert_allclose(rates, [0.003, 0.003, 0.0027, 0.00243])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("epochs", 0, "epochs must be at least 1, got 0"),
        ("batch_size", 1, "batch_size must be at least 2, got 1"),
        ("learning_rate", 0.0, "learning_rate must be finite and positive, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be finite and positive, got nan"),
        ("momentum", 1.0, r"momentum must be in \[0, 1\), got 1.0"),
        ("margin", -0.1, "margin must be finite and not negative, got -0.1"),
        ("head", "conv", "head must be mlp, residual or linear, got 'conv'"),
        ("space", "hyperbolic", "space must be sphere or euclidean, got 'hyperbolic'"),
        ("epochs", 2.5, "epochs must be a whole number, got 2.5"),
        ("epochs", "ten", "epochs must be a whole number, got 'ten'"),
        ("seed", True, "seed must be a whole number, got True"),
        ("dimensions", (4, 2.5), "dimensions must be a whole number, got 2.5"),
        ("alpha", "much", "alpha must be a number, got 'much'"),
        ("margin", None, "margin must be a number, got None"),
        ("validation_interval", 0, "validation_interval must be at least 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(option, value, message):
    with pytest.raises(InputError, match=message):
        Recipe.paper(**{option: value})
