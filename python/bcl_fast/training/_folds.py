"""People split into folds: some to train on, others to be clustered by a head that has not seen them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bcl_fast._utils.types import Integers
from bcl_fast.errors import InputError
from bcl_fast.tracks import TrackSet, concatenate
from bcl_fast.training._data import check_seen_twice, identity_codes
from bcl_fast.training._recipe import Recipe

MOST_HELD_OUT = 20_000  # tracks of a fold that are clustered: more would take longer and choose no better
MOST_OF_ONE = 100  # tracks that a person counts as in scores: one with a third of all would choose the threshold alone
CUT = "to choose where clusters are cut"


class Fold(NamedTuple):
    """Tracks to train on, and tracks of other people to cluster with their identities as codes."""

    train: TrackSet
    held_out: TrackSet
    codes: Integers

    @property
    def weights(self) -> NDArray[np.float64]:
        """What each track held out counts in scores: 1, and less of a person with very many, (n_held_out,)."""
        return np.minimum(1.0, MOST_OF_ONE / np.bincount(self.codes))[self.codes]


def everybody(tracks: TrackSet, val: TrackSet | None, recipe: Recipe) -> TrackSet:
    """Return the tracks that a head is trained on in the end: with those to validate with, unless they serve alone."""
    if val is None or recipe.validation == "alone":
        return tracks
    # Tracks of both may have the same names, which training does not look at; nor does it at what else they have.
    videos = np.array([f"{video} (validation)" for video in val.video_ids.tolist()], dtype=object)
    apart = replace(val, video_ids=videos)
    bare = [replace(part, frames=None, boxes=None, images=None) for part in (tracks, apart)]
    return concatenate(bare, names=["the training tracks", "the validation tracks"])


def make_folds(tracks: TrackSet, val: TrackSet | None, recipe: Recipe) -> list[Fold]:
    """Split the people into folds, as often as the recipe says; people to validate with alone are the one fold.

    Raises
    ------
    InputError
        If there are too few identities, or none of them has two tracks.
    """
    if val is not None and recipe.validation == "alone":
        codes = identity_codes(val, "validation")
        check_seen_twice(codes, CUT)
        return [Fold(tracks, val, codes)]
    people = everybody(tracks, val, recipe)
    codes = identity_codes(people, "training")
    check_seen_twice(codes, CUT)
    sizes = np.bincount(codes)
    if len(sizes) < 2 * recipe.folds:
        cure = "take fewer folds, or the threshold 'radius'" if len(sizes) > 3 else "take the threshold 'radius'"
        raise InputError(f"{recipe.folds} folds take {2 * recipe.folds} identities or more, got {len(sizes)}: {cure}")
    rng = np.random.default_rng(recipe.seed)
    return [_fold(people, codes, held, rng) for _ in range(recipe.repeats) for held in _parts(sizes, recipe.folds, rng)]


def _parts(sizes: Integers, n_folds: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Deal identities to folds, the largest first and each round in random order, so that no fold has all the large."""
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold = np.empty(len(sizes), np.int64)
    for start in range(0, len(order), n_folds):
        dealt = order[start : start + n_folds]
        fold[dealt] = rng.permutation(n_folds)[: len(dealt)]
    for number in range(n_folds):
        yield fold == number


def _fold(people: TrackSet, codes: Integers, held: NDArray[np.bool_], rng: np.random.Generator) -> Fold:
    sizes = np.bincount(codes)
    shown = rng.permutation(np.flatnonzero(held))
    shown = shown[: max(2, int(np.searchsorted(np.cumsum(sizes[shown]), MOST_HELD_OUT, side="right")))]
    chosen = np.isin(codes, shown)
    held_out = people.select(chosen)
    return Fold(people.select(~held[codes]), held_out, np.unique(codes[chosen], return_inverse=True)[1])
