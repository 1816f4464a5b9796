"""Fine-tuning on unlabelled tracks: what it reads, what it holds out, and that it helps."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.evaluation import evaluate
from bcl_fast.finetuning import FinetuningRecipe, finetune
from bcl_fast.finetuning._data import FEWEST_HELD_OUT, FinetuningData, HeldOut
from bcl_fast.finetuning._finetune import _Finetuner
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.models._heads import make_head
from bcl_fast.simulate import World, simulate_episodes, simulate_movies
from bcl_fast.tracks import TrackPairs, TrackSet, automatic_pairs, write_tracks
from bcl_fast.training import Recipe, train
from tests.helpers.cli import films, refused, run

FEW = ("--rounds", 2, "--steps-per-round", 5)
QUICK = FinetuningRecipe(rounds=2, steps_per_round=5, batch_size=16)


def episodes(seed: int = 0, **options) -> TrackSet:
    world = World(n_features=16, identity_dimensions=6, nuisance_dimensions=3)
    return simulate_episodes(2, 60, people_per_video=8, faces_per_track=4, seed=seed, world=world, **options)


def untrained(n_features: int = 16) -> EmbeddingModel:
    return EmbeddingModel(make_head("residual", n_features), "residual", 0.1, 0.2)


def weights(model: EmbeddingModel) -> list[np.ndarray]:
    return [tensor.numpy() for tensor in model.head.state_dict().values()]


def assert_same(one: EmbeddingModel, other: EmbeddingModel) -> None:
    for mine, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert one.squared_radius == other.squared_radius


# --- no labels are read


def test_labels_are_not_read():
    tracks, model = episodes(), untrained()
    shuffled = replace(tracks, labels=np.random.default_rng(0).permutation(tracks.labels))
    results = [finetune(model, part, recipe=QUICK) for part in (tracks, shuffled, replace(tracks, labels=None))]
    for result in results[1:]:
        assert_same(result.model, results[0].model)
        assert result.history == results[0].history
    assert len({record.loss for record in results[0].history}) == 3  # it did learn something


def test_the_model_given_is_left_alone_and_seeds_repeat():
    tracks, model = episodes(), untrained()
    before = [weight.copy() for weight in weights(model)]
    first, again, other = (finetune(model, tracks, recipe=replace(QUICK, seed=seed)) for seed in (1, 1, 2))
    for mine, theirs in zip(weights(model), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert_same(first.model, again.model)
    assert first.history != other.history


# --- what is held out, and batches


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), share=st.sampled_from([0.0, 0.2, 0.5]), n_pairs=st.integers(1, 60))
def test_held_out_tracks_are_in_no_batch_and_pairs_hold(seed, share, n_pairs):
    rng = np.random.default_rng(seed)
    n = 30
    lengths = rng.integers(1, 4, n)
    lengths[0] = 2
    offsets = np.append(0, np.cumsum(lengths))
    tracks = TrackSet.from_arrays(rng.standard_normal((offsets[-1], 3)), offsets)
    drawn = rng.integers(0, n, (n_pairs, 2))
    cannot = drawn[drawn[:, 0] != drawn[:, 1]]
    if len(cannot) == 0:
        return
    data = FinetuningData(tracks, TrackPairs(cannot_link=cannot), share, rng)
    assert data.n_held_out == 0 or data.n_held_out >= FEWEST_HELD_OUT / 2
    allowed = {frozenset(pair) for pair in data.cannot_link.tolist()}
    assert allowed <= {frozenset(pair) for pair in cannot.tolist()}
    seen = set()
    n_batches = -(-(n - data.n_held_out) // 7)  # the first permutation
    for batch in islice(data.batches(rng, 7, 3), n_batches):
        assert (np.diff(batch.tracks) > 0).all()
        assert batch.faces.shape == (3, len(batch.tracks), 3)
        for place, partner in enumerate(batch.partners.tolist()):
            if partner >= 0:
                assert frozenset((int(batch.tracks[place]), int(batch.tracks[partner]))) in allowed
        for faces in batch.faces:
            for track, face in zip(batch.tracks.tolist(), faces, strict=True):
                own = tracks.features[offsets[track] : offsets[track + 1]]
                assert (own == face).all(axis=1).any()
        seen |= set(batch.tracks.tolist())
    assert len(seen) == n - data.n_held_out


def test_shares_by_hand():
    features = np.array([[1, 0], [1, 0], [0, 1], [1, 0], [1, 0.1], [1, 0.1]], np.float32)
    tracks = TrackSet.from_arrays(features, [0, 2, 4, 6])
    model = EmbeddingModel(make_head("residual", 2), "residual", 1.0, 0.05)  # cut at 0.2
    pairs = TrackPairs(cannot_link=np.array([[0, 1], [0, 2]]))
    data = FinetuningData(tracks, pairs, 0.0, np.random.default_rng(0))
    found = data.look(model, 0.5)
    assert found.violated_must == pytest.approx(1 / 3)  # both faces of track 1, 0.586 from the centroid between them
    assert found.violated_cannot == pytest.approx(1 / 2)  # tracks 0 and 2 show one direction
    between = 2 - 2 / np.sqrt(1.01)
    np.testing.assert_allclose(found.together, np.log1p(np.exp([-4, 4 * (2 - 0.2) / 0.2, -4])), rtol=1e-6)
    apart = [np.log1p(np.exp(-4 * (2 - np.sqrt(2) - 0.2) / 0.2)), np.log1p(np.exp(4 * (0.2 - between) / 0.2))]
    np.testing.assert_allclose(found.apart, apart, rtol=1e-5)
    assert found.loss == pytest.approx(found.together.mean() + found.apart.mean())
    assert data.look(model, 0.6).violated_must == 0


def look(apart: list[float]) -> HeldOut:
    return HeldOut(0, 0, np.empty(0), np.array(apart))


def test_a_change_counts_from_two_standard_errors_on():
    before = look([1, 1, 1, 1])
    assert look([0.5, 0.6, 0.5, 0.4]).surely_more_apart(before)
    assert not look([0, 1, 1, 1]).surely_more_apart(before)
    assert not before.surely_more_apart(before)
    assert not look([]).surely_more_apart(look([]))
    assert look([]).loss == 0


def test_must_link_makes_one_class_of_tracks():
    tracks = episodes()
    pairs = automatic_pairs(tracks)
    joined = TrackPairs(np.array([[2, 5], [5, 9]]), pairs.cannot_link)
    data = FinetuningData(tracks, joined, 0.2, np.random.default_rng(0))
    assert data.classes[2] == data.classes[5] == data.classes[9]
    assert data.n_classes == tracks.n_tracks - 2
    assert np.isfinite(finetune(untrained(), tracks, recipe=QUICK, pairs=joined).history[1].loss)


# --- options


def test_the_radius_is_fixed_unless_told():
    tracks, model = episodes(), untrained()
    fixed = finetune(model, tracks, recipe=QUICK)
    assert {record.squared_radius for record in fixed.history} == {model.squared_radius}
    learned = finetune(model, tracks, recipe=replace(QUICK, learn_radius=True))
    assert len({record.squared_radius for record in learned.history}) == 3


def test_a_strong_pull_keeps_the_weights():
    tracks, model = episodes(), untrained()

    def distance(proximal: float) -> float:
        finetuner = _Finetuner(model, tracks, automatic_pairs(tracks), replace(QUICK, proximal=proximal))
        for _ in range(3):
            finetuner._fit()
        pairs = zip(weights(finetuner._model()), weights(model), strict=True)
        return sum(float(((a - b) ** 2).sum()) for a, b in pairs)

    assert 0 < distance(30.0) < 0.5 * distance(0.0)


def test_it_stops_when_the_held_out_pairs_get_no_better():
    model = untrained()
    recipe = FinetuningRecipe(rounds=30, steps_per_round=2, patience=2, learning_rate=1e-12)
    result = finetune(model, episodes(), recipe=recipe)
    assert result.best_round == 0
    assert len(result.history) == 3
    assert_same(result.model, model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"faces_per_track": 1}, "faces_per_track must be at least 2, got 1"),
        ({"held_out": 1.0}, r"held_out must be in \[0, 1\), got 1.0"),
        ({"radius_scale": 0.0}, "radius_scale must be finite and positive, got 0.0"),
        ({"proximal": np.nan}, "proximal must be finite and not negative, got nan"),
    ],
)
def test_numbers_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        FinetuningRecipe(**options)


def test_tracks_that_tell_nothing():
    tracks = episodes()
    with pytest.raises(InputError, match="known to be two people, but none of the tracks are, for they have no frames"):
        finetune(untrained(), replace(tracks, frames=None))
    apart = replace(tracks, frames=np.arange(tracks.n_faces) * 2)
    with pytest.raises(InputError, match=r"known to be two people, but none of the tracks are$"):
        finetune(untrained(), apart)
    faces = TrackSet.from_arrays(tracks.features[:4])
    with pytest.raises(InputError, match="wants tracks of two faces or more, got 4 tracks of one face"):
        finetune(untrained(), faces, pairs=TrackPairs(cannot_link=np.array([[0, 1]])))
    with pytest.raises(InputError, match="fine-tuning wants a model whose embeddings have unit norm"):
        finetune(replace(untrained(), normalize=False), tracks)
    with pytest.raises(InputError, match="the model takes features of 8 dimensions, the tracks have 16"):
        finetune(untrained(8), tracks)


def test_a_loss_that_diverges_is_a_sentence():
    with pytest.raises(InputError, match=r"no longer finite: choose a learning_rate below 1e\+30"):
        finetune(untrained(), episodes(), recipe=FinetuningRecipe(learning_rate=1e30, batch_size=8))


# --- it helps


@pytest.mark.slow
def test_it_helps_where_pose_and_light_are_others():
    before = World(n_features=64, identity_dimensions=16, nuisance_dimensions=8)
    people = simulate_movies(6, 200, seed=1, world=before)
    recipe = Recipe.paper(
        head="residual", epochs=12, batch_size=400, learning_rate=0.1, radius_learning_rate_factor=0.003
    )
    model = train(people, simulate_movies(2, 200, seed=2, world=before, prefix="val"), recipe=recipe).model
    shifted = simulate_episodes(4, 200, seed=3, world=replace(before, nuisance_shift=0.8))
    pairs = automatic_pairs(shifted)
    adapted = finetune(model, shifted).model
    plain, better = (
        evaluate(shifted, m.embed_tracks(shifted), distance_threshold=m.distance_threshold, pairs=p)
        for m, p in ((model, None), (adapted, pairs))
    )
    print([(row.nmi, row.n_clusters, row.n_identities) for row in (*plain, *better)])
    assert np.mean([row.nmi for row in better]) > np.mean([row.nmi for row in plain]) + 0.02


# --- the command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finetune")
    write_tracks(episodes(), folder / "episodes.parquet")
    untrained().save(folder / "m.safetensors")
    return folder


def test_a_model_for_all_videos(folder, tmp_path):
    output = tmp_path / "adapted.safetensors"
    result = run("finetune", folder / "m.safetensors", folder / "episodes.parquet", "-o", output, *FEW)
    assert (result.exit_code, result.stdout) == (0, "")
    lines = result.stderr.splitlines()
    assert [line[:8] for line in lines[:3]] == ["round  0", "round  1", "round  2"]
    assert f"-> {output}" in lines[-1]
    recipe = FinetuningRecipe(rounds=2, steps_per_round=5)
    assert_same(load_model(output), finetune(load_model(folder / "m.safetensors"), episodes(), recipe=recipe).model)


def test_a_model_for_each_video(folder, tmp_path):
    result = run(
        *("finetune", folder / "m.safetensors", folder / "episodes.parquet", "-o", tmp_path / "models"),
        *("--per-video", *FEW),
    )
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert names == [f"{video}.safetensors" for video in episodes().videos]
    assert load_model(tmp_path / "models" / names[0]).n_features == 16
    command, to = ("finetune", folder / "m.safetensors"), ("-o", tmp_path / "models", "--per-video")
    assert "exists already" in refused(tmp_path, *command, folder / "episodes.parquet", *to)
    odd = replace(episodes(), video_ids=np.char.add("a/", episodes().video_ids))
    write_tracks(odd, tmp_path / "odd.parquet")
    message = refused(tmp_path, *command, tmp_path / "odd.parquet", *to)
    assert "names a file after each video, got the video 'a/series1-episode01'" in message


def test_what_cannot_be_fine_tuned(folder, tmp_path):
    model, tracks = folder / "m.safetensors", folder / "episodes.parquet"
    write_tracks(films().select([0]), tmp_path / "one.parquet")
    refuse = [
        ((model, tmp_path / "one.parquet", "-o", tmp_path / "x.safetensors"), "known to be two people, but none"),
        ((model, tracks, "-o", tmp_path / "x.bin"), "a model is written as .safetensors"),
        ((model, tracks, "-o", tmp_path / "x.safetensors", "--rounds", 0), "rounds must be at least 1"),
        ((model, tracks, "-o", tmp_path / "one.parquet", "--per-video"), "to a folder, got the file"),
    ]
    for arguments, sentence in refuse:
        assert sentence in refused(tmp_path, "finetune", *arguments)
