"""Choosing by people in folds: what is compared, what is chosen, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bcl_fast import evaluate
from bcl_fast._utils.threads import one_thread_of_torch
from bcl_fast.errors import InputError
from bcl_fast.models import load_model
from bcl_fast.tracks import TrackSet
from bcl_fast.training import Comparison, Recipe, train
from bcl_fast.training._cross_fit import LOOKS, _Looks
from bcl_fast.training._folds import make_folds
from bcl_fast.training._trainer import Trainer
from tests.helpers.training import Killed, assert_same_result, blobs, noisy

QUICK = Recipe(steps=30, batch_size=32, repeats=1)


# --- folds


@pytest.mark.parametrize("n_identities", [6, 7, 30])
def test_each_person_is_held_out_once_and_never_seen_by_the_head_that_embeds_them(n_identities):
    people = blobs(n_identities)
    folds = make_folds(people, None, Recipe(folds=3, repeats=2))
    assert len(folds) == 6
    for repeat in (folds[:3], folds[3:]):
        held = [name for fold in repeat for name in set(fold.held_out.labels.tolist())]
        assert sorted(held) == sorted(set(people.labels.tolist()))
    for fold in folds:
        assert not set(fold.train.labels.tolist()) & set(fold.held_out.labels.tolist())
        assert fold.train.n_tracks + fold.held_out.n_tracks == people.n_tracks
        assert len(np.unique(fold.codes)) >= 2
    assert set(folds[0].held_out.labels.tolist()) != set(folds[3].held_out.labels.tolist())


def test_no_fold_gets_all_of_the_people_seen_most():
    labels = np.repeat(np.arange(30), [100] * 3 + [1] * 27)
    people = TrackSet.from_arrays(np.ones((len(labels), 2)), np.arange(len(labels) + 1), labels=labels)
    for fold in make_folds(people, None, Recipe(folds=3, repeats=5)):
        assert fold.held_out.n_tracks == 109


@pytest.mark.parametrize("validation", ["join", "alone"])
def test_one_person_does_not_choose_the_threshold_alone(validation):
    labels = np.repeat([f"{number:02}" for number in range(13)], [5] * 12 + [400])
    people = TrackSet.from_arrays(np.ones((460, 2)), np.arange(461), labels=labels)
    for fold in make_folds(people, people, Recipe(validation=validation)):
        counts = np.bincount(fold.codes, fold.weights)
        assert fold.held_out.n_tracks == len(fold.codes) == len(fold.weights)  # all of them are clustered
        assert np.bincount(fold.codes).max() in (5, 10, 400, 800)
        assert counts.max() == pytest.approx(min(100, np.bincount(fold.codes).max()))


def test_validation_people_join_the_folds_or_serve_alone():
    people, others = noisy(8), noisy(4, seed=1, prefix="other")
    joined = make_folds(people, others, Recipe())
    assert {name for fold in joined for name in fold.held_out.labels.tolist() if name.startswith("other")}
    (alone,) = make_folds(people, others, Recipe(validation="alone"))
    assert alone.train is people
    assert alone.held_out is others
    result = train(people, others, recipe=replace(QUICK, validation="alone"))
    assert result.comparison.n_folds == 1
    assert result.comparison.n_identities == 4


def test_tracks_of_the_same_names_may_join_and_other_dimensions_may_not():
    people, others = blobs(8), blobs(4, seed=1, prefix="other")  # both have track 0 of one video
    assert train(people, others, recipe=QUICK).comparison.n_identities == 12
    with pytest.raises(InputError, match="12 in the training tracks and 5 in the validation tracks"):
        train(people, blobs(4, n_features=5), recipe=QUICK)


# --- what is chosen


def test_a_head_is_trained_where_that_carries_over():
    result = train(noisy(30), recipe=replace(QUICK, steps=200))
    assert result.comparison.chosen.head == "linear"
    assert result.best_epoch == result.comparison.chosen.epochs == len(result.history)
    test = noisy(20, seed=9, prefix="new")
    ball, raw = _score(result.model, test), _score(_features(noisy(30)), test)
    assert ball.b_cubed_f > raw.b_cubed_f + 0.05
    assert ball.nmi > raw.nmi


def test_features_that_need_no_training_stay_as_they_are():
    rng = np.random.default_rng(0)
    centres = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    labels = np.repeat(np.arange(24), 5)
    faces = centres[labels] + 0.02 * rng.standard_normal((120, 24))
    people = TrackSet.from_arrays(faces, np.arange(121), labels=labels)
    result = train(people, recipe=QUICK)
    assert result.comparison.chosen.head == "features"
    assert result.best_epoch == 0
    assert result.history == []
    assert "features, untrained" in result.comparison.describe()
    unit = faces / np.linalg.norm(faces, axis=1, keepdims=True)
    np.testing.assert_allclose(result.model.embed_tracks(people), unit, atol=1e-6)
    assert _score(result.model, people).nmi == pytest.approx(1)


def test_what_was_compared_is_in_the_result_the_model_and_the_history(tmp_path):
    result = train(noisy(12), recipe=QUICK, history=tmp_path / "history.jsonl")
    comparison = result.comparison
    assert {one.head for one in comparison.candidates} == {"features", "whitened", "linear"}
    assert {one.linkage for one in comparison.candidates} == {"average", "complete"}
    assert len(comparison.candidates) in [2 * (2 + len(LOOKS)) + 2 * n_heads for n_heads in (1, 2, 3)]
    assert all(0 <= one.nmi <= 1 and 0 < one.b_cubed_f <= 1 for one in comparison.candidates)
    assert comparison.chosen in comparison.candidates
    result.model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert Comparison.from_dict(loaded.compared) == comparison
    chosen = comparison.chosen
    assert (loaded.linkage, loaded.neighbor_threshold) == (chosen.linkage, chosen.neighbor_threshold)
    assert loaded.distance_threshold == chosen.distance_threshold
    assert Recipe(**loaded.recipe) == QUICK
    first = json.loads((tmp_path / "history.jsonl").read_text().splitlines()[0])
    assert first["epoch"] == 0
    assert Comparison.from_dict(first["compared"]) == comparison


@pytest.mark.parametrize(
    ("options", "linkages", "averaged"),
    [({"linkage": "complete"}, {"complete"}, True), ({"linkage": "average", "n_neighbors": 0}, {"average"}, False)],
)
def test_a_linkage_or_no_averaging_may_be_asked_for(options, linkages, averaged):
    comparison = train(noisy(12), recipe=replace(QUICK, **options)).comparison
    assert {one.linkage for one in comparison.candidates} == linkages
    assert any(one.neighbor_threshold is not None for one in comparison.candidates) == averaged


@pytest.mark.parametrize("loss", ["triplet", "normface", "crossentropy"])
def test_other_losses_are_compared_in_the_same_way(loss):
    result = train(noisy(12), recipe=replace(QUICK, loss=loss))
    assert result.model.distance_threshold == result.comparison.chosen.distance_threshold


@pytest.mark.parametrize("head", ["mlp", "residual"])
def test_other_heads_are_compared_with_the_features(head):
    heads = {one.head for one in train(noisy(12), recipe=replace(QUICK, head=head)).comparison.candidates}
    assert heads == {"features", "whitened", head}


def test_the_result_depends_on_no_number_of_threads():
    before = torch.get_num_threads()
    try:
        found = []
        for n_threads in (1, 3):
            torch.set_num_threads(n_threads)
            found.append(train(noisy(12), recipe=QUICK))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert found[0].comparison == found[1].comparison
    assert_same_result(*found)


def test_torch_gets_its_threads_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), one_thread_of_torch():
        raise RuntimeError
    assert torch.get_num_threads() == before


def test_everybody_is_trained_on_for_as_many_epochs_and_cut_as_folds_are_after_as_many_steps():
    recipe = Recipe(linkage="average", steps=150, batch_size=16, learning_rate=0.01)
    started: list[int] = []
    comparison = train(noisy(20), recipe=recipe, on_start=started.append).comparison
    heads = [one for one in comparison.candidates if one.is_trained and one.neighbor_threshold is not None]
    best = max(heads, key=lambda one: one.score)
    assert best is not heads[-1]
    later = min(heads, key=lambda one: abs(np.log(one.epochs / (1.5 * best.epochs))))
    assert comparison.chosen == later != best
    assert started == [later.epochs]


@pytest.mark.parametrize(
    ("steps", "more", "wanted"),
    [
        ([26, 40, 60, 90], 1.5, [1, 2, 3, 3]),
        ([26, 40, 60, 90], 1.0, [0, 1, 2, 3]),  # people to validate with alone: nobody joins those trained on
        ([26, 40, 60, 90], 2.2, [2, 3, 3, 3]),
        ([30, 60, 90], 1.5, [1, 2, 2]),
        ([30], 1.5, [0]),
    ],
)
def test_as_many_epochs_of_more_tracks_are_more_steps(steps, more, wanted):
    looks = _Looks(list(range(len(steps))), steps, more)
    assert [looks.as_many_epochs(look) for look in range(len(steps))] == wanted


def test_a_fold_is_looked_at_after_steps_not_epochs():
    tracks, recipe, found = blobs(8), Recipe(batch_size=16), []  # four batches in an epoch
    trainer = Trainer(tracks, None, recipe, torch.device("cpu"))
    for epoch in (1, 2):
        trainer.run_epoch(epoch, lambda *_: found.append(trainer.embedding().embed_tracks(tracks)))
    kept = Trainer(tracks, None, recipe, torch.device("cpu")).embeddings_after([2, 4, 7])
    for embedding, step in zip(kept, (2, 4, 7), strict=True):
        np.testing.assert_array_equal(embedding.embed_tracks(tracks), found[step - 1])


def test_looks_are_shares_of_the_steps():
    recipe = Recipe(steps=300, batch_size=256)
    assert [recipe.epochs_of(256 * 10, look) for look in LOOKS] == [2, 4, 7, 10, 15, 20, 30]
    assert [recipe.epochs_of(256 * 600, look) for look in LOOKS] == [1] * 7
    assert replace(recipe, epochs=12).epochs_of(99, 1 / 2) == 6


# --- resuming


def test_a_killed_run_resumes_to_the_same_bits_and_compares_only_once(tmp_path):
    def kill(record):
        if record.epoch == 2:
            raise Killed

    recipe, people, folds = replace(QUICK, steps=200), noisy(30), []
    whole = train(people, recipe=recipe)
    assert whole.best_epoch > 2
    files = {"checkpoint": tmp_path / "state.pt", "history": tmp_path / "history.jsonl"}
    with pytest.raises(Killed):
        train(people, recipe=recipe, on_epoch=kill, **files)
    resumed = train(people, recipe=recipe, resume=True, on_fold=lambda *at: folds.append(at), **files)
    assert folds == []
    assert resumed.comparison == whole.comparison
    assert_same_result(resumed, whole)
    epochs = [json.loads(line)["epoch"] for line in files["history"].read_text().splitlines()]
    assert epochs == list(range(whole.best_epoch + 1))
    with pytest.raises(InputError, match="another recipe: steps was 200, now it is 100"):
        train(people, recipe=replace(recipe, steps=100), resume=True, **files)


# --- bad input


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        (noisy(5), "3 folds take 6 identities or more, got 5: take fewer folds, or the threshold 'radius'"),
        (noisy(2), "3 folds take 6 identities or more, got 2: take the threshold 'radius'"),
        (noisy(8, n_tracks=1), "takes an identity with two tracks or more, got 8 tracks of 8 identities"),
    ],
)
def test_too_few_people_for_folds_are_a_sentence(tracks, message):
    with pytest.raises(InputError, match=message):
        train(tracks, recipe=QUICK)


def test_one_person_may_join_the_folds_but_not_serve_alone():
    one = noisy(1, seed=1, prefix="other")
    assert train(noisy(12), one, recipe=QUICK).comparison.n_identities == 13
    with pytest.raises(InputError, match="the validation tracks must show two identities or more, got only 'other0'"):
        train(noisy(12), one, recipe=replace(QUICK, validation="alone"))


def test_people_seen_once_alone_say_nothing_about_where_to_cut_or_how_wide_a_ball_is():
    once = noisy(8, n_tracks=1)
    with pytest.raises(InputError, match="where clusters are cut takes an identity with two tracks or more, got 8"):
        train(noisy(12), once, recipe=replace(QUICK, validation="alone"))
    with pytest.raises(InputError, match="the ball loss takes an identity with two tracks or more, got 8 tracks of 8"):
        train(once, recipe=Recipe.paper(epochs=1))


@pytest.mark.parametrize("recipe", [QUICK, replace(QUICK, loss="crossentropy"), Recipe.paper(epochs=1)])
def test_faces_that_are_all_alike_are_a_sentence(recipe):
    people = noisy(12)
    alike = replace(people, features=np.full_like(people.features, 0.5))
    with pytest.raises(InputError, match="training tracks must show faces that differ, got 72 faces with the same"):
        train(alike, recipe=recipe)
    if recipe.stops_at == "cross-fit":
        with pytest.raises(InputError, match="the validation tracks must show faces that differ, got 72 faces"):
            train(people, alike, recipe=replace(recipe, validation="alone"))


def test_a_column_may_be_the_same_for_all():
    people = noisy(12)
    features = np.column_stack([people.features, np.full(72, 3.0), np.zeros(72)]).astype(np.float32)
    assert train(replace(people, features=features), recipe=QUICK).comparison.chosen.nmi > 0.5


def test_features_that_tell_nobody_apart_are_said_to():
    people, rng = noisy(12), np.random.default_rng(0)
    lengths_alone = np.outer(rng.uniform(1, 2, 72), np.ones(4)).astype(np.float32)
    with pytest.warns(UserWarning, match="the features tell nobody apart: at best the people in each fold are one"):
        train(replace(people, features=lengths_alone), recipe=QUICK)


def test_labels_that_are_all_missing_are_a_sentence():
    nobody = replace(noisy(8, prefix="other"), labels=np.full(48, "", dtype=object))
    for tracks, val in ((nobody, None), (noisy(12), nobody)):
        with pytest.raises(InputError, match="tracks must have labels, got none"):
            train(tracks, val, recipe=QUICK)


def test_tracks_without_a_label_are_left_out():
    people = noisy(12)
    labels = people.labels.copy()
    labels[::7] = ""
    with pytest.warns(UserWarning, match="11 of 72 training tracks have no label: they are left out"):
        result = train(replace(people, labels=labels), recipe=QUICK)
    assert result.comparison.n_identities == 12


def _features(people):
    from bcl_fast.training._data import TrainingData
    from bcl_fast.training._untrained import untrained

    return untrained(TrainingData(people))["features"]


def _score(model, tracks):
    if not hasattr(model, "distance_threshold"):
        return evaluate(tracks, model.embed_tracks(tracks), n_clusters="true")[-1]
    options = model.clustering_options
    return evaluate(tracks, model.embed_tracks(tracks), distance_threshold=model.distance_threshold, **options)[-1]
