"""Heads and model files."""

from __future__ import annotations

import itertools
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from bcl_fast.errors import InputError
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.models._heads import make_head
from bcl_fast.tracks import TrackSet


def make_model(kind: str = "mlp", n_features: int = 6, **changes) -> EmbeddingModel:
    torch.manual_seed(0)
    values = {"input_scale": 0.1, "squared_radius": 0.2, "recipe": {"head": kind, "epochs": 3, "dimensions": None}}
    return EmbeddingModel(make_head(kind, n_features), kind, **{**values, **changes})


def features_of(n: int, n_features: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, n_features), dtype=np.float32)


@pytest.mark.parametrize(
    ("n_features", "dimensions", "n_parameters"),
    [(256, (256, 256, 128, 64, 64), 111_104), (2048, (2048, 512, 256, 128, 64), 1_221_568)],
)
def test_mlp_is_the_papers(n_features, dimensions, n_parameters):
    head = make_head("mlp", n_features)
    assert head.dimensions == dimensions
    assert sum(parameter.numel() for parameter in head.parameters()) == n_parameters


@given(kind=st.sampled_from(["residual", "linear"]), n_features=st.integers(1, 70), seed=st.integers(0, 2**16))
def test_identity_heads_start_as_the_identity(kind, n_features, seed):
    features = features_of(5, n_features, seed).astype(np.float64) + 1e-3
    embeddings = make_model(kind, n_features, input_scale=3.0).embed(features)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(embeddings, unit, atol=1e-6)


@pytest.mark.parametrize(("kind", "dimensions"), [("mlp", (6, 9, 4)), ("residual", (6, 20, 6)), ("linear", (6, 6))])
def test_dimensions_override_the_rule(kind, dimensions):
    head = make_head(kind, 6, dimensions)
    assert head.dimensions == dimensions
    assert head(torch.ones(2, 6)).shape == (2, dimensions[-1])


@pytest.mark.parametrize(
    ("kind", "dimensions", "message"),
    [
        ("conv", None, "head must be one of mlp, residual, linear, got 'conv'"),
        ("mlp", (5, 4), "dimensions must start with the 6 dimensions of the features, got 5-4"),
        ("mlp", (6,), "dimensions must be two or more positive widths, got 6"),
        ("mlp", (6, 0, 4), "dimensions must be two or more positive widths, got 6-0-4"),
        ("residual", (6, 6), "the residual head wants 3 dimensions that end as they start, got 6-6"),
        ("linear", (6, 4), "the linear head wants 2 dimensions that end as they start, got 6-4"),
    ],
)
def test_unsuitable_heads_are_refused(kind, dimensions, message):
    with pytest.raises(InputError, match=message):
        make_head(kind, 6, dimensions)


@pytest.mark.parametrize("kind", ["mlp", "residual", "linear"])
def test_embeddings_have_unit_norm_whatever_the_batches(kind):
    model, features = make_model(kind), features_of(23)
    embeddings = model.embed(features)
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (23, model.dimensions[-1])
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(model.embed(features, batch_size=5), embeddings, atol=1e-6)
    assert model.embed(features[:0]).shape == (0, model.dimensions[-1])


def test_embed_leaves_its_input_alone():
    features = features_of(4)
    features.flags.writeable = False
    before = features.copy()
    make_model().embed(features)
    np.testing.assert_array_equal(features, before)


@pytest.mark.parametrize(("value", "what"), [(0, "the zero vector"), (np.nan, "a value that is not finite")])
def test_a_row_without_direction_is_named(value, what):
    features = features_of(9)
    features[7] = value
    message = f"every embedding must be finite and have a direction, got {what} in "
    with pytest.raises(InputError, match=message + "row 7"):
        make_model("residual").embed(features, batch_size=4)
    tracks = TrackSet(features, np.arange(10), np.arange(9).astype(str), np.full(9, "film"))
    with pytest.raises(InputError, match=message + "track '7' of video 'film'"):
        make_model("residual").embed_tracks(tracks)


def test_wrong_dimensions_are_both_named():
    with pytest.raises(InputError, match="the model takes features of 6 dimensions, got 5"):
        make_model().embed(features_of(3, 5))
    with pytest.raises(InputError, match="the model takes features of 6 dimensions, the tracks have 5"):
        make_model().embed_tracks(TrackSet.from_arrays(features_of(3, 5)))
    with pytest.raises(InputError, match=r"features must be 2-D \(n_samples, n_features\), got shape \(6,\)"):
        make_model().embed(features_of(1)[0])


def test_embed_tracks_embeds_mean_features():
    features = features_of(7)
    tracks = TrackSet.from_arrays(features, offsets=[0, 3, 4, 7])
    means = np.stack([features[:3].mean(axis=0), features[3], features[4:].mean(axis=0)])
    np.testing.assert_allclose(make_model().embed_tracks(tracks), make_model().embed(means), atol=1e-6)


@pytest.mark.parametrize("kind", ["mlp", "residual", "linear"])
def test_a_saved_model_comes_back_with_the_same_bits(kind, tmp_path):
    model = make_model(kind, input_scale=1 / 3, squared_radius=0.1 + 0.2)
    with torch.no_grad():
        for parameter in model.head.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    for name in ("head_kind", "dimensions", "n_features", "input_scale", "squared_radius", "recipe"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.distance_threshold == 4 * model.squared_radius
    np.testing.assert_array_equal(loaded.embed(features_of(9)), model.embed(features_of(9)))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_threshold_scale_is_kept(tmp_path):
    path = tmp_path / "model.safetensors"
    model = make_model(threshold_scale=0.75)
    model.save(path)
    assert load_model(path).distance_threshold == 0.75 * 4 * model.squared_radius


def test_the_file_says_how_it_was_made(tmp_path):
    make_model().save(tmp_path / "model.safetensors")
    with safetensors.safe_open(tmp_path / "model.safetensors", framework="np") as opened:
        metadata = opened.metadata()
    assert metadata["torch_version"] == torch.__version__
    assert json.loads(metadata["recipe"])["epochs"] == 3
    assert set(metadata) >= {"format", "head", "dimensions", "input_scale", "squared_radius", "bcl_fast_version"}


def test_saving_replaces_a_file_only_when_told(tmp_path):
    path = tmp_path / "model.safetensors"
    make_model().save(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        make_model("linear").save(path)
    assert path.read_bytes() == before
    make_model("linear").save(path, force=True)
    assert load_model(path).head_kind == "linear"
    with pytest.raises(InputError, match=r"a model is written as \.safetensors, got the name .*model\.bin"):
        make_model().save(tmp_path / "model.bin")
    with pytest.raises(InputError, match="does not exist"):
        make_model().save(tmp_path / "missing" / "model.safetensors")


def test_threshold_and_normalisation_are_stored(tmp_path):
    model = make_model(normalize=False, stored_threshold=0.7)
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert (again.normalize, again.stored_threshold, again.distance_threshold) == (False, 0.7, 0.7)
    unit, plain = (make_model(normalize=normalize).embed(features_of(5)) for normalize in (True, False))
    np.testing.assert_allclose(plain / np.linalg.norm(plain, axis=1, keepdims=True), unit, atol=1e-6)
    assert not np.allclose(np.linalg.norm(plain, axis=1), 1)
    assert make_model().distance_threshold == pytest.approx(0.8)


def rewrite(path: Path, metadata: dict | None = None, tensors: dict | None = None) -> None:
    """Change a model into one of version 1, which had no checksum, and with other content."""
    with safetensors.safe_open(path, framework="pt") as opened:
        old_metadata, names = opened.metadata(), list(opened.keys())
        old = {name: opened.get_tensor(name).clone() for name in names}
    del old_metadata["checksum"]
    old_metadata["format"] = "bcl_fast model 1"
    safetensors.torch.save_file({**old, **(tensors or {})}, path, {**old_metadata, **(metadata or {})})


def test_a_model_of_an_older_version_is_read(tmp_path):
    model = make_model()
    model.save(tmp_path / "model.safetensors")
    rewrite(tmp_path / "model.safetensors")
    assert load_model(tmp_path / "model.safetensors").fingerprint() == model.fingerprint()


def test_a_model_without_its_checksum_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    make_model().save(path)
    path.write_bytes(path.read_bytes().replace(b'"checksum"', b'"chekcsum"'))
    with pytest.raises(InputError, match=r"model\.safetensors is damaged: it does not match its checksum"):
        load_model(path)


def test_the_name_of_a_model_need_not_be_utf_8(tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff.safetensors")
    make_model().save(path)
    assert load_model(path).fingerprint() == make_model().fingerprint()


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_truncated_model_is_refused(keep, tmp_path):
    path = tmp_path / "model.safetensors"
    make_model().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"model\.safetensors is not a whole \.safetensors file"):
        load_model(path)


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    [
        ({"format": "theirs 7"}, None, "must be of the format 'bcl_fast model 2', got 'theirs 7'"),
        ({"head": "conv"}, None, "has damaged metadata or tensors: head must be one of"),
        ({"distance_threshold": "-0.5"}, None, "holds values that are not finite or a scale or radius"),
        ({"distance_threshold": "NaN"}, None, "holds values that are not finite or a scale or radius"),
        ({"distance_threshold": '"far"'}, None, "has damaged metadata or tensors"),
        ({"dimensions": "[6, 5"}, None, "has damaged metadata or tensors"),
        ({"dimensions": "[6, 256, 128, 64, 32]"}, None, "has damaged metadata or tensors"),
        ({"squared_radius": "-1"}, None, "not finite or a scale or radius that is not positive"),
        ({"threshold_scale": "0"}, None, "not finite or a scale or radius that is not positive"),
        ({"threshold_scale": "wide"}, None, "has damaged metadata or tensors"),
        ({"input_scale": "NaN"}, None, "not finite or a scale or radius that is not positive"),
        ({"squared_radius": "Infinity"}, None, "not finite or a scale or radius that is not positive"),
        ({"dimensions": "[6, Infinity]"}, None, "has damaged metadata or tensors"),
        ({"dimensions": f"[6, {'9' * 5000}]"}, None, "has damaged metadata or tensors"),
        ({"dimensions": f"[6, {10**30}]"}, None, "has damaged metadata or tensors"),
        ({"dimensions": f"[6, {10**9}, 64]"}, None, "the dimensions are not those of the tensors"),
        ({"dimensions": "[6, -5]"}, None, "has damaged metadata or tensors"),
        ({"recipe": "[" * 100_000}, None, "has damaged metadata or tensors"),
        (None, {"extra": torch.ones(2)}, "has damaged metadata or tensors"),
        (None, {"linears.3.bias": torch.full((64,), torch.nan)}, "holds values that are not finite"),
    ],
)
def test_a_damaged_model_is_refused(metadata, tensors, message, tmp_path):
    path = tmp_path / "model.safetensors"
    make_model().save(path)
    rewrite(path, metadata, tensors)
    with pytest.raises(InputError, match=message):
        load_model(path)


def test_files_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist or is not a file"):
        load_model(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="does not exist or is not a file"):
        load_model(tmp_path)
    (tmp_path / "model.h5").write_bytes(b"something")
    with pytest.raises(InputError, match=r"a model is a \.safetensors or \.pth\.tar file, got .*model\.h5"):
        load_model(tmp_path / "model.h5")
    safetensors.torch.save_file({"weight": torch.ones(3)}, tmp_path / "theirs.safetensors")
    with pytest.raises(InputError, match="must be of the format 'bcl_fast model 2', got None"):
        load_model(tmp_path / "theirs.safetensors")


def authors_checkpoint(dimensions=(6, 5, 4)) -> dict:
    weights = {}
    for i, (before, after) in enumerate(itertools.pairwise(dimensions)):
        weights[f"linears.{i}.weight"] = torch.linspace(-1, 1, before * after).reshape(after, before)
        weights[f"linears.{i}.bias"] = torch.zeros(after)
    return {"epoch": 7, "model_state": weights, "criterion_state": {"ctrd.h_bias": torch.tensor(-1.0)}}


def test_the_authors_layout_is_read(tmp_path):
    torch.save(authors_checkpoint(), tmp_path / "checkpoint.pth.tar")
    model = load_model(tmp_path / "checkpoint.pth.tar")
    assert model.dimensions == (6, 5, 4)
    assert model.input_scale == 1
    assert model.squared_radius == pytest.approx(np.log1p(np.exp(-1)))
    assert model.recipe["epochs"] == 7


class Malice:
    """Pickles to a call that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_code_in_a_checkpoint_is_refused_and_not_run(writer, tmp_path):
    path, content = tmp_path / "checkpoint.pth.tar", {"model_state": Malice(tmp_path / "trace")}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match="is damaged or holds Python code, which is never run"):
        load_model(path)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("keep", [0, 10, 500, -30])
def test_a_truncated_checkpoint_is_refused(keep, tmp_path):
    path = tmp_path / "checkpoint.pth.tar"
    torch.save(authors_checkpoint(), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"checkpoint\.pth\.tar is (not a whole PyTorch file|damaged)"):
        load_model(path)


@pytest.mark.parametrize("part", ["model_state", "criterion_state"])
def test_a_checkpoint_of_another_layout_is_refused(part, tmp_path):
    content = authors_checkpoint()
    content[part] = {}
    torch.save(content, tmp_path / "checkpoint.pth.tar")
    with pytest.raises(InputError, match="is not laid out like the authors'"):
        load_model(tmp_path / "checkpoint.pth.tar")
