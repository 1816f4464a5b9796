"""A fitted estimator, saved and loaded."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.exceptions import NotFittedError

from bcl_fast import BallClustering
from bcl_fast.errors import InputError
from tests.helpers.linkage import identities


def test_state_survives_pickling():
    clustering = pickle.loads(pickle.dumps(BallClustering(1.0).fit([[0.0], [3.0]])))
    np.testing.assert_array_equal(clustering.predict([[2.5], [9.0]]), [1, -1])


@pytest.fixture(params=["complete", "average"])
def fitted(request):
    X = identities(400, 8)
    return BallClustering(0.3, linkage=request.param, n_jobs=1).fit(X, cannot_link=[(0, 1)])


def test_a_saved_clustering_goes_on_as_if_it_had_never_stopped(fitted, tmp_path):
    new = identities(200, 8, seed=1)
    fitted.save(tmp_path / "people.safetensors")
    loaded = BallClustering.load(tmp_path / "people.safetensors")
    assert loaded.get_params() == fitted.get_params()
    for name in ("labels_", "children_", "distances_", "n_clusters_", "n_features_in_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fitted, name))
    np.testing.assert_array_equal(loaded.predict(new), fitted.predict(new))
    np.testing.assert_array_equal(loaded.partial_fit(new).labels_, fitted.partial_fit(new).labels_)


def rewrite(file, *, form: str, about: dict | None = None, **changes) -> None:
    """Change a file into one of another version and other arrays, and without a checksum."""
    with safe_open(file, framework="np") as opened:
        metadata = {**opened.metadata(), "format": form, **(about or {})}
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
    del metadata["checksum"]
    save_file({**arrays, **changes}, file, metadata)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.full(400, -2)}, "must hold labels from -1 to 399, got -2 to -2"),
        ({"labels": np.full(400, 400)}, "must hold labels from -1 to 399, got 400 to 400"),
        ({"cannot_link": np.array([[0, 400]])}, "must hold cannot_link from 0 to 399, got 0 to 400"),
        ({"children": np.array([[0, 799]]), "distances": np.ones(1)}, "must hold children from 0 to 798, got 0 to 799"),
        ({"about": {"about": "Infinity"}}, "has damaged metadata"),
        ({"about": {"about": "{}"}}, "has damaged metadata"),
        ({"about": {"about": "[" * 100_000}}, "has damaged metadata"),
        ({"about": {"about": '{"parameters": {}, "reach": 1, "n_features": Infinity}'}}, "has damaged metadata"),
        ({"about": {"about": '{"parameters": {}, "reach": 1, "n_features": ' + "9" * 5000}}, "has damaged metadata"),
    ],
    ids=range(9),
)
def test_content_of_an_older_version_that_cannot_be_used(fitted, changes, message, tmp_path):
    file = tmp_path / "a.safetensors"
    fitted.save(file)
    rewrite(file, form="bcl_fast clustering 1", **changes)
    with pytest.raises(InputError, match=message):
        BallClustering.load(file)


def test_files_of_older_versions_are_read_without_a_checksum_and_new_ones_are_not(fitted, tmp_path):
    file = tmp_path / "a.safetensors"
    fitted.save(file)
    rewrite(file, form="bcl_fast clustering 1")
    np.testing.assert_array_equal(BallClustering.load(file).labels_, fitted.labels_)
    fitted.save(file, force=True)
    rewrite(file, form="bcl_fast clustering 2")
    with pytest.raises(InputError, match=r"the clustering .*a\.safetensors is damaged: it does not match its checksum"):
        BallClustering.load(file)


@pytest.mark.parametrize("distance_threshold", [None, 0.0, np.inf])
def test_saved_thresholds(distance_threshold, tmp_path):
    fitted = BallClustering(distance_threshold).fit([[0.0], [1.0]])
    fitted.save(tmp_path / "a.safetensors")
    loaded = BallClustering.load(tmp_path / "a.safetensors")
    assert loaded.distance_threshold == distance_threshold
    np.testing.assert_array_equal(loaded.predict([[1e9]]), fitted.predict([[1e9]]))


def test_dissimilarities_are_not_saved(tmp_path):
    BallClustering(1.0, metric="precomputed").fit(np.ones((3, 3)) - np.eye(3)).save(tmp_path / "a.safetensors")
    loaded = BallClustering.load(tmp_path / "a.safetensors")
    np.testing.assert_array_equal(loaded.labels_, [0, 0, 0])
    with pytest.raises(InputError, match="predict needs an estimator fitted to points"):
        loaded.predict([[1.0]])


def test_saving_replaces_only_when_told(fitted, tmp_path):
    file = tmp_path / "a.safetensors"
    fitted.save(file)
    with pytest.raises(InputError, match="exists already"):
        fitted.save(file)
    fitted.save(file, force=True)
    with pytest.raises(InputError, match=r"a clustering is written as \.safetensors, got the name .*\.npz"):
        fitted.save(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_only_a_fitted_one_can_be_saved(tmp_path):
    with pytest.raises(NotFittedError):
        BallClustering().save(tmp_path / "a.safetensors")


def test_files_that_are_no_clustering(fitted, tmp_path):
    file = tmp_path / "a.safetensors"
    with pytest.raises(InputError, match="does not exist or is not a file"):
        BallClustering.load(file)
    file.write_bytes(b"not a clustering")
    with pytest.raises(InputError, match=r"is not a whole \.safetensors file"):
        BallClustering.load(file)
    save_file({"labels": np.zeros(3)}, file)
    with pytest.raises(InputError, match="must be of the format 'bcl_fast clustering 2', got None"):
        BallClustering.load(file)
    save_file({"labels": np.zeros(3)}, file, {"format": "bcl_fast clustering 1"})
    with pytest.raises(InputError, match="must hold a 1-D array of whole numbers named labels, got 1-D float64"):
        BallClustering.load(file)
    fitted.save(file, force=True)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"is not a whole \.safetensors file"):
        BallClustering.load(file)
