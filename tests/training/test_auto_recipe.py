"""What ``head="auto"`` chooses, and that it says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bcl_fast.errors import InputError
from bcl_fast.models import load_model
from bcl_fast.tracks import TrackSet, write_tracks
from bcl_fast.training import Recipe, choose_recipe, train
from bcl_fast.training._auto_recipe import FEW_IDENTITIES
from tests.helpers.cli import films, run


def people(n_identities: int, tracks_each: int = 3) -> TrackSet:
    labels = np.repeat(np.arange(n_identities), tracks_each)
    return TrackSet.from_arrays(np.random.default_rng(0).standard_normal((len(labels), 4)), labels=labels)


def test_a_head_that_is_named_is_left_alone():
    for head in ("mlp", "residual", "linear"):
        assert choose_recipe(Recipe(head=head), people(5)) == (Recipe(head=head), "")


def test_few_people_get_a_linear_head_and_numbers_that_suit_it():
    recipe, reason = choose_recipe(Recipe(head="auto"), people(112, 6))
    assert (recipe.head, recipe.epochs, recipe.radius_freeze_epochs, recipe.lr_decay_epochs) == ("linear", 60, 5, 10)
    assert (recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (256, 0.1, 0.01)
    for words in ("head auto: linear", "112 identities", "fewer than 500", "batch size 256", "epochs 60"):
        assert words in reason
    assert "\n" not in reason


def test_many_people_get_the_papers_head_and_recipe():
    recipe, reason = choose_recipe(Recipe(head="auto"), people(FEW_IDENTITIES))
    assert recipe == Recipe(head="mlp")
    assert reason.startswith("head auto: mlp, for 500 identities are enough")
    assert choose_recipe(Recipe(head="auto"), people(FEW_IDENTITIES - 1))[0].head == "linear"


def test_numbers_that_the_user_chose_stay():
    chosen = Recipe(head="auto", learning_rate=0.5, epochs=7, batch_size=100, seed=3)
    recipe, reason = choose_recipe(chosen, people(10, 30))
    assert (recipe.learning_rate, recipe.epochs, recipe.batch_size, recipe.seed) == (0.5, 7, 100, 3)
    assert (recipe.weight_decay, recipe.lr_decay_epochs) == (0.01, 10)
    assert "learning rate 0.5" not in reason


def test_epochs_of_many_tracks_are_few():
    recipe, _ = choose_recipe(Recipe(head="auto"), people(100, 300))
    assert (recipe.epochs, recipe.radius_freeze_epochs, recipe.lr_decay_epochs) == (10, 1, 1)


def test_training_with_auto_is_training_with_what_it_chose():
    tracks = films()
    chosen, _ = choose_recipe(Recipe(head="auto", epochs=2), tracks)
    one, other = (train(tracks, recipe=recipe).model for recipe in (Recipe(head="auto", epochs=2), chosen))
    assert one.head_kind == "linear"
    assert one.recipe == other.recipe
    np.testing.assert_array_equal(one.embed_tracks(tracks), other.embed_tracks(tracks))
    with pytest.raises(InputError, match="labels"):
        choose_recipe(Recipe(head="auto"), replace(tracks, labels=None))


def test_the_command_says_what_it_chose(tmp_path):
    write_tracks(films(), tmp_path / "t.parquet")
    result = run("train", tmp_path / "t.parquet", "-o", tmp_path / "m.safetensors", "--head", "auto", "--epochs", 2)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[0] == choose_recipe(Recipe(head="auto", epochs=2), films())[1]
    assert load_model(tmp_path / "m.safetensors").recipe["head"] == "linear"
