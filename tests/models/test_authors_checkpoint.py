"""The authors' published checkpoint, and an evaluation in their file layout against plain NumPy and SciPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.cluster.hierarchy as hierarchy
import torch
from scipy.spatial.distance import pdist
from sklearn.metrics import normalized_mutual_info_score

from bcl_fast.cluster import complete_linkage
from bcl_fast.errors import InputError
from bcl_fast.evaluation import evaluate
from bcl_fast.models import EmbeddingModel, load_model
from bcl_fast.tracks import read_tracks

VIDEOS = ("bbt_s01e05", "buffy_s05e01")


@pytest.fixture(scope="module")
def checkpoint(shared_data) -> Path:
    return shared_data / "bcl_release" / "checkpoint.pth.tar"


@pytest.fixture(scope="module")
def model(checkpoint) -> EmbeddingModel:
    return load_model(checkpoint)


def read_ids(file: Path) -> list[tuple[str, str]]:
    return [tuple(line.split()) for line in file.read_text().splitlines()[1:]]


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory) -> Path:
    """Simulated features under real label files: a point per person, noise per track and per face."""
    root, rng = tmp_path_factory.mktemp("authors"), np.random.default_rng(0)
    people: dict[str, np.ndarray] = {}
    for video in VIDEOS:
        ids = shared_data / "bcl_release" / "ids" / f"{video}.ids"
        (root / "ids").mkdir(exist_ok=True)
        (root / "ids" / ids.name).write_bytes(ids.read_bytes())
        (root / "features" / video).mkdir(parents=True)
        for track, name in read_ids(ids):
            person = people.setdefault(name, rng.standard_normal(256))
            faces = person + 0.4 * rng.standard_normal(256) + 0.3 * rng.standard_normal((rng.integers(1, 4), 256))
            np.save(root / "features" / video / f"{track}.npy", faces.astype(np.float32))
    return root


def plain_points(checkpoint: Path, folder: Path) -> tuple[np.ndarray, list[str], list[str], float]:
    """Embed mean features in float64: points, names and videos per track, and the threshold."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {name: value.double().numpy() for name, value in content["model_state"].items()}
    rows = [(video, *row) for video in VIDEOS for row in read_ids(folder / "ids" / f"{video}.ids")]
    faces = [np.load(folder / "features" / video / f"{track}.npy") for video, track, _ in rows]
    x = np.stack([one.astype(np.float64).mean(axis=0) for one in faces])
    for i in range(4):
        x = x @ weights[f"linears.{i}.weight"].T + weights[f"linears.{i}.bias"]
        x = np.maximum(x, 0) if i < 3 else x / np.linalg.norm(x, axis=1, keepdims=True)
    raw = float(content["criterion_state"]["ctrd.h_bias"])
    # Who has no name is numbered within a series.
    names = [f"{row[0].split('_')[0]}_{row[2]}" if row[2].startswith("unknown") else row[2] for row in rows]
    return x, names, [row[0] for row in rows], 4 * np.log1p(np.exp(raw))


def plain_scores(names: list[str], clusters: np.ndarray) -> tuple[int, float, float]:
    pure = sum(np.unique(np.asarray(names)[clusters == c], return_counts=True)[1].max() for c in np.unique(clusters))
    return len(np.unique(clusters)), normalized_mutual_info_score(names, clusters), pure / len(names)


def test_the_checkpoint_is_the_papers_head(model):
    assert model.head_kind == "mlp"
    assert model.dimensions == (256, 256, 128, 64, 64)
    assert model.input_scale == 1
    assert model.squared_radius == pytest.approx(0.2051, abs=5e-5)
    assert model.distance_threshold == pytest.approx(0.8204, abs=2e-4)
    assert model.recipe["epochs"] == 127


def test_it_survives_our_own_format(model, tmp_path):
    model.save(tmp_path / "authors.safetensors")
    again = load_model(tmp_path / "authors.safetensors")
    features = np.random.default_rng(0).standard_normal((20, 256))
    np.testing.assert_array_equal(again.embed(features), model.embed(features))
    assert again.squared_radius == model.squared_radius


@pytest.mark.parametrize("keep", [1000, 100_000, -1000])
def test_a_truncated_checkpoint_is_refused(checkpoint, keep, tmp_path):
    (tmp_path / "cut.pth.tar").write_bytes(checkpoint.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"cut\.pth\.tar is (not a whole PyTorch file|damaged)"):
        load_model(tmp_path / "cut.pth.tar")


def test_evaluation_equals_plain_numpy_and_scipy(model, checkpoint, folder):
    tracks = read_tracks(folder)
    embeddings = model.embed_tracks(tracks)
    rows = {row.video: row for row in evaluate(tracks, embeddings, distance_threshold=model.distance_threshold)}
    points, names, videos, threshold = plain_points(checkpoint, folder)
    order = {(video, track): i for i, (video, track) in enumerate(zip(tracks.video_ids, tracks.track_ids, strict=True))}
    mine = [order[v, t] for v in VIDEOS for t, _ in read_ids(folder / "ids" / f"{v}.ids")]
    assert tracks.labels[mine].tolist() == names
    np.testing.assert_allclose(embeddings[mine], points, atol=1e-5)
    for video in (*VIDEOS, "all"):
        members = np.flatnonzero([video in (v, "all") for v in videos])
        merges = hierarchy.linkage(pdist(points[members], "sqeuclidean"), "complete")
        clusters = hierarchy.fcluster(merges, threshold, "distance")
        labels = complete_linkage(embeddings[mine][members], model.distance_threshold).labels
        assert len(set(zip(labels, clusters, strict=True))) == len(set(labels)) == len(set(clusters))
        n_clusters, nmi, wcp = plain_scores([names[i] for i in members], clusters)
        assert 2 < n_clusters < len(members) / 2
        assert rows[video].n_clusters == n_clusters
        assert rows[video].nmi == pytest.approx(nmi, abs=1e-12)
        assert rows[video].wcp == pytest.approx(wcp, abs=1e-12)
