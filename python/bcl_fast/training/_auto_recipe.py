"""``head="auto"``: the head, and a training that suits it, by how many people there are to learn from.

What is chosen for few people was picked by the validation people of three splits of 224 real ones
(``tests/system/test_faces224.py`` reports it on others): a linear map that starts as the identity, and a radius that
learns slowly, among the heads, weight decays, noise, dropout and batches that ``bench/studies/few_identities.py``
tries.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bcl_fast.tracks import TrackSet
from bcl_fast.training._recipe import Recipe

FEW_IDENTITIES = 500
FEW_IDENTITIES_RECIPE: dict[str, Any] = {
    "batch_size": 256,
    "learning_rate": 0.1,
    "radius_learning_rate_factor": 0.003,
    "weight_decay": 0.01,
}
# Epochs of few tracks are few batches: these go by batches.
STEPS = {"epochs": 180, "radius_freeze_epochs": 15, "lr_decay_epochs": 30}


def choose_recipe(recipe: Recipe, tracks: TrackSet) -> tuple[Recipe, str]:
    """Replace ``head="auto"`` by a head, and with the ball loss the numbers that are still the paper's by others.

    Parameters
    ----------
    recipe : Recipe
        Returned as it is if its head is named.
    tracks : TrackSet
        Labelled tracks to train on.

    Returns
    -------
    recipe : Recipe
    reason : str
        What was chosen and why, in one sentence; ``""`` where nothing was.

    Raises
    ------
    InputError
        If the tracks have no labels.
    """
    if recipe.head != "auto":
        return recipe, ""
    n_identities = len(tracks.label_codes()[1])
    if n_identities >= FEW_IDENTITIES:
        reason = f"{n_identities:,} identities are enough for the paper's four layers, trained as the paper says"
        return replace(recipe, head="mlp"), f"head auto: mlp, for {reason}"
    numbers = {**FEW_IDENTITIES_RECIPE, **_epochs(recipe, tracks.n_tracks)} if recipe.loss == "ball" else {}
    paper = Recipe()
    chosen = {name: value for name, value in numbers.items() if getattr(recipe, name) == getattr(paper, name)}
    reason = f"the paper's four layers would learn {n_identities:,} identities by heart (fewer than {FEW_IDENTITIES})"
    shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in chosen.items())
    described = f"head auto: linear, which starts as the identity, for {reason}"
    return replace(recipe, head="linear", **chosen), f"{described}; {shown}" if shown else described


def _epochs(recipe: Recipe, n_tracks: int) -> dict[str, int]:
    """Return the numbers that count epochs, for as many batches as in ``STEPS``."""
    size = recipe.batch_size if recipe.batch_size != Recipe().batch_size else FEW_IDENTITIES_RECIPE["batch_size"]
    batches = int(np.ceil(n_tracks / size))
    epochs = {name: max(1, round(steps / batches)) for name, steps in STEPS.items()}
    return {**epochs, "epochs": max(10, epochs["epochs"])}
