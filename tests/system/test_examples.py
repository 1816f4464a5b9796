"""Every script in examples/ runs, and does what it says; so does the Python in the README."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from bcl_fast.cluster import complete_linkage
from bcl_fast.results import describe_clusters, read_result, write_result
from bcl_fast.tracks import TrackSet, write_tracks
from tests.helpers.cli import films, without_labels

EXAMPLES = Path(__file__).parents[2] / "examples"
README = EXAMPLES.parent / "README.md"
RUN_HERE = {
    "train_on_your_data",
    "ball_loss_in_several_processes",
    "ball_loss_in_your_loop",
    "cluster_embeddings",
    "export_for_labelling",
}


def run_example(name: str, *arguments: object, folder: Path) -> str:
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_every_example_is_run_here():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == RUN_HERE


def test_train_on_your_data(tmp_path):
    for seed, name in enumerate(("train", "val")):
        write_tracks(films(seed=seed, prefix=name), tmp_path / f"{name}.parquet")
    new = films(seed=3, prefix="new")
    write_tracks(without_labels(new), tmp_path / "new.parquet")
    output = run_example(
        "train_on_your_data", "train.parquet", "val.parquet", "new.parquet", "--steps", 20, folder=tmp_path
    )
    result = read_result(tmp_path / "clusters.csv")
    assert result.track_ids.tolist() == new.track_ids.tolist()
    assert output.splitlines()[-1] == f"{new.n_tracks} tracks, {result.n_clusters} clusters -> clusters.csv"


def test_ball_loss_in_your_loop(tmp_path):
    output = run_example("ball_loss_in_your_loop", folder=tmp_path)
    found = re.search(r"600 new points of 30 classes: (\d+) clusters, NMI (\S+)", output)
    assert found is not None
    assert 25 <= int(found[1]) <= 60
    assert float(found[2]) > 0.9


def test_ball_loss_in_several_processes(tmp_path):
    script = str(EXAMPLES / "ball_loss_in_several_processes.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", script, "--epochs", "10"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"epoch 10: loss 4\.80\d\d, squared radius 0\.627\d\n", run.stdout)


@pytest.mark.parametrize(("metric", "threshold"), [("sqeuclidean", 0.8), ("cosine", 0.4)])
def test_cluster_embeddings(metric, threshold, tmp_path):
    points = np.random.default_rng(0).standard_normal((60, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    np.save(tmp_path / "embeddings.npy", points)
    run_example("cluster_embeddings", "embeddings.npy", "--threshold", threshold, "--metric", metric, folder=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), complete_linkage(points, 0.8).labels)


@pytest.fixture
def tracks_with_images(tmp_path) -> TrackSet:
    tracks = TrackSet.from_arrays(
        np.ones((4, 2)),
        [0, 2, 3, 4],
        track_ids=["a", "b", "c"],
        labels=["x", "y", "z"],
        frames=[1, 2, 1, 9],
        boxes=[[10, 20, 30, 40]] * 4,
        images=["1.png", "2.png", "", "a&b.png"],
    )
    write_tracks(tracks, tmp_path / "tracks.parquet")
    write_result(describe_clusters(tracks, np.eye(3), [0, 1, 1]), tmp_path / "clusters.csv")
    return tracks


def test_export_for_labelling(tracks_with_images, tmp_path):
    size = ("--width", 100, "--height", 200)
    run_example(
        "export_for_labelling", "tracks.parquet", "clusters.csv", "--url", "http://host/", *size, folder=tmp_path
    )
    names = ("fiftyone/data.json", "fiftyone/labels.json", "label_studio.json")
    read = {name: json.loads((tmp_path / "export" / name).read_text()) for name in names}
    assert read["fiftyone/data.json"] == {"0": "1.png", "1": "2.png", "2": "a&b.png"}
    labels = read["fiftyone/labels.json"]["labels"]
    assert [labels[key][0]["label"] for key in "012"] == ["cluster 0", "cluster 0", "cluster 1"]
    assert labels["0"][0]["bounding_box"] == [0.1, 0.1, 0.3, 0.2]
    assert labels["2"][0]["attributes"] == {"track": "c", "video": "video", "frame": 9}
    task = read["label_studio.json"][2]
    assert task["data"]["image"] == "http://host/a&b.png"
    choice, box = task["predictions"][0]["result"]
    assert choice["value"] == {"choices": ["cluster 1"]}
    assert (box["value"]["x"], box["value"]["height"], box["original_width"]) == (10, 20, 100)
    view = ElementTree.parse(tmp_path / "export" / "label_studio.xml").getroot()
    assert [one.get("value") for one in view.iter("Choice")] == ["cluster 0", "cluster 1"]
    assert {one.get("name") for one in view} == {"image", choice["from_name"], box["from_name"]}


def test_export_without_sizes_has_the_cluster_of_each_image(tracks_with_images, tmp_path):
    run_example("export_for_labelling", "tracks.parquet", "clusters.csv", folder=tmp_path)
    labels = json.loads((tmp_path / "export" / "fiftyone" / "labels.json").read_text())
    assert labels == {"labels": {"0": "cluster 0", "1": "cluster 0", "2": "cluster 1"}}


def test_python_in_the_readme():
    rng = np.random.default_rng(0)
    labels = torch.arange(20) % 5
    embeddings = torch.randn(20, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    snippets = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    assert len(snippets) >= 2
    for snippet in snippets:
        names = {"embeddings": embeddings, "labels": labels, "X": rng.random((30, 4))}
        exec(compile(snippet, str(README), "exec"), names)
    assert embeddings.grad is not None
