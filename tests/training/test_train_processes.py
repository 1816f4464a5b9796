"""Training in several processes: the result of one, files by the first alone, and an end in all of them or in none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from bcl_fast._utils.process_group import Processes
from bcl_fast.tracks import TrackSet
from bcl_fast.training import Recipe, TrainingResult, train
from bcl_fast.training._data import TrainingData
from tests.helpers.ranks import Ranks, running_ranks
from tests.helpers.training import SMALL, assert_same_result, blobs, noisy, untimed, weights_of

FOLDS = Recipe(steps=40, batch_size=32, repeats=1)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ranks]:
    with running_ranks(3, tmp_path_factory.mktemp("ranks")) as started:
        yield started


PEOPLE, OTHERS = noisy(16), noisy(8, seed=9, prefix="other")  # a trained head tells them apart better


def trained(group: Any, recipe: Recipe, val: TrackSet | None = None, **options: Any) -> TrainingResult:
    return train(PEOPLE, val, recipe=recipe, process_group=group, **options)


def trained_by(ranks: Ranks, recipe: Recipe, *rest: Any, size: int = 2) -> list[TrainingResult]:
    results = ranks(trained, recipe, *rest, size=size)
    for result in results:
        assert isinstance(result, TrainingResult), result
        assert_same_result(result, results[0])
    return results


def assert_close_results(one: TrainingResult, other: TrainingResult) -> None:
    """The same but for rounding."""
    for name, weight in weights_of(one).items():
        torch.testing.assert_close(weight, weights_of(other)[name], rtol=1e-4, atol=1e-5)
    assert one.best_epoch == other.best_epoch
    assert one.model.squared_radius == pytest.approx(other.model.squared_radius, rel=1e-5)
    for mine, theirs in zip(one.history, other.history, strict=True):
        assert untimed(mine).__dict__ == pytest.approx(untimed(theirs).__dict__, rel=1e-4, abs=1e-6)


# ---- the same result


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("changes", [{}, {"folds": 2, "linkage": "complete"}, {"loss": "triplet"}])
def test_folds_give_the_same_bits_for_any_number_of_processes(ranks: Ranks, size: int, changes: dict[str, Any]) -> None:
    """Three processes have two folds between them in one case: one of them has nothing to train."""
    recipe = replace(FOLDS, **changes)
    wanted = train(PEOPLE, recipe=recipe)
    for result in trained_by(ranks, recipe, size=size):
        assert_same_result(result, wanted)
        assert result.comparison == wanted.comparison
        assert result.model.distance_threshold == wanted.model.distance_threshold


SHARED = [
    {},
    {"faces": "half", "optimizer": "adam", "learning_rate": 0.01},
    {"batch_size": 2, "epochs": 2, "learning_rate": 0.001},
    {"space": "euclidean"},
]


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("changes", SHARED)
def test_shared_batches_give_the_same_but_for_rounding(ranks: Ranks, size: int, changes: dict[str, Any]) -> None:
    """Of batches of two, three processes have none, one or one."""
    recipe, val = replace(SMALL, **changes), OTHERS
    wanted = train(PEOPLE, val, recipe=recipe)
    for result in trained_by(ranks, recipe, val, size=size):
        assert_close_results(result, wanted)


def drawn(group: Any, faces: str) -> tuple[np.ndarray, np.ndarray]:
    data, rng = TrainingData(blobs(), processes=Processes(group.group_name)), np.random.default_rng(3)
    parts = [data.draw(rng, batch, faces) for batch in data.batches(rng, 25)]
    return np.stack([len(part[0]) for part in parts]), np.concatenate([part[0] for part in parts])


@pytest.mark.parametrize("faces", ["one", "half"])
def test_processes_draw_the_faces_of_one(ranks: Ranks, faces: str) -> None:
    (_, wanted), *_ = ranks(drawn, faces, size=1)
    answers = ranks(drawn, faces, size=3)
    sizes = np.stack([counts for counts, _ in answers])
    assert (sizes == np.array([[8], [8], [9]])).all()
    starts = np.cumsum(sizes, axis=1) - sizes
    for batch in range(sizes.shape[1]):
        rows = [part[starts[r, batch] : starts[r, batch] + sizes[r, batch]] for r, (_, part) in enumerate(answers)]
        np.testing.assert_array_equal(np.concatenate(rows), wanted[25 * batch : 25 * (batch + 1)])


# ---- files


def with_files(group: Any, recipe: Recipe, folder: Path, stop_after: int, options: dict[str, Any]) -> TrainingResult:
    """Train with a checkpoint and a history of each process's own name, of which only the first's may appear."""

    def stop(record: Any) -> None:
        if record.epoch == stop_after and dist.get_rank(group) == 0:
            raise RuntimeError("the disk is on fire")

    mine = dist.get_rank(group)
    files = {"checkpoint": folder / f"state{mine}.pt", "history": folder / f"history{mine}.jsonl"}
    return trained(group, recipe, OTHERS, on_epoch=stop, **files, **options)


@pytest.mark.parametrize("recipe", [SMALL, FOLDS], ids=["paper", "folds"])
@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_failure_ends_all_and_the_run_goes_on_from_it(
    ranks: Ranks, recipe: Recipe, stop_after: int, tmp_path: Path
) -> None:
    whole, *_ = trained_by(ranks, recipe, OTHERS)
    assert whole.best_epoch > 0
    assert len(whole.history) > stop_after
    first, second = ranks.failures(with_files, recipe, tmp_path, stop_after, {})
    assert first == "RuntimeError: the disk is on fire"
    assert second == "FailedElsewhere: process 0 failed: the disk is on fire"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history0.jsonl", "state0.pt"]
    resumed = ranks(with_files, recipe, tmp_path, 0, {"resume": True})
    for result in resumed:
        assert_same_result(result, whole)
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "history0.jsonl").read_text().splitlines()]
    assert epochs == list(range(0 if result.comparison else 1, len(whole.history) + 1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history0.jsonl", "state0.pt"]


def test_a_run_may_go_on_in_another_number_of_processes(ranks: Ranks, tmp_path: Path) -> None:
    whole = train(PEOPLE, OTHERS, recipe=SMALL)
    ranks.failures(with_files, SMALL, tmp_path, 3, {}, size=3)
    result, *_ = ranks(with_files, SMALL, tmp_path, 0, {"resume": True}, size=2)
    assert_close_results(result, whole)


def test_outputs_that_exist_are_refused_in_all(ranks: Ranks, tmp_path: Path) -> None:
    (tmp_path / "state0.pt").write_bytes(b"of another")
    first, second = ranks.failures(with_files, SMALL, tmp_path, 0, {})
    assert "state0.pt exists already" in first
    assert second.startswith("FailedElsewhere: process 0 failed: ")
    first, second = ranks.failures(with_files, SMALL, tmp_path, 0, {"resume": True})
    assert first.endswith("state0.pt is damaged or was not written by bcl_fast")
    assert second.startswith("FailedElsewhere: process 0 failed: ")
    assert [path.name for path in tmp_path.iterdir()] == ["state0.pt"]


# ---- what is refused


def of_its_own(group: Any, recipes: list[Recipe], tracks: list[TrackSet]) -> TrainingResult:
    mine = dist.get_rank(group)
    return train(tracks[mine], recipe=recipes[mine], process_group=group)


def unlabelled(tracks: TrackSet) -> TrackSet:
    return replace(tracks, labels=None)


ALIKE = "InputError: the processes must have the same"
OTHER_RECIPE = f"{ALIKE} recipe: learning_rate is 0.1 in process 0 and 0.5 in process 1"
OTHER_TRACKS = f"{ALIKE} set of tracks: training tracks is 56 in process 0 and 63 in process 1"
NO_LABELS = "the training tracks must have labels, got none"


@pytest.mark.parametrize(
    ("recipe", "tracks", "first", "second"),
    [
        ({"learning_rate": 0.5}, blobs(), OTHER_RECIPE, OTHER_RECIPE),
        ({}, blobs(9), OTHER_TRACKS, OTHER_TRACKS),
        ({}, unlabelled(blobs()), f"FailedElsewhere: process 1 failed: {NO_LABELS}", f"InputError: {NO_LABELS}"),
    ],
)
def test_processes_that_differ_are_refused(ranks: Ranks, recipe, tracks, first: str, second: str) -> None:
    recipes = [SMALL, replace(SMALL, **recipe)]
    assert ranks.failures(of_its_own, recipes, [blobs(), tracks]) == [first, second]


def test_only_the_ball_loss_knows_of_other_processes(ranks: Ranks) -> None:
    for sentence in ranks.failures(trained, replace(SMALL, loss="triplet"), OTHERS):
        assert "several processes share batches with the ball loss alone, got 'triplet'" in sentence


def with_a_bad_fold(group: Any) -> TrainingResult:
    def on_fold(done: int, n_folds: int) -> None:
        if dist.get_rank(group) == 1:
            raise ValueError(f"fold {done} of {n_folds} is lost")

    return trained(group, FOLDS, on_fold=on_fold)


def test_a_fold_that_fails_ends_all(ranks: Ranks) -> None:
    elsewhere = "FailedElsewhere: process 1 failed: fold 1 of 1 is lost"
    assert ranks.failures(with_a_bad_fold, size=3) == [elsewhere, "ValueError: fold 1 of 1 is lost", elsewhere]
    for sentence in ranks.failures(trained, replace(FOLDS, folds=9)):
        assert "9 folds take 18 identities or more" in sentence
