"""New samples: assigned to clusters that there are, and added to them; now, or after saving and loading."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from scipy.spatial.distance import cdist
from sklearn.exceptions import NotFittedError

from bcl_fast import BallClustering
from bcl_fast.cluster._assign import assign
from bcl_fast.errors import InputError
from tests.cluster.test_complete_linkage import by_first_appearance, complete_linkage_reference
from tests.core.linkage.test_complete_linkage import identities


def assign_reference(X_new, X, labels, threshold):
    """The nearest cluster by its farthest member, if that is within the threshold."""
    distances = cdist(X_new, X, "sqeuclidean")
    farthest = np.stack([distances[:, labels == c].max(axis=1) for c in range(labels.max() + 1)], axis=1)
    nearest = farthest.argmin(axis=1)
    return np.where(farthest.min(axis=1) <= threshold, nearest, -1)


@settings(deadline=None)
@given(n=st.integers(1, 30), n_new=st.integers(0, 20), seed=st.integers(0, 2**16), threshold=st.floats(0, 6))
def test_predict_equals_a_slow_twin(n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    labels = by_first_appearance(rng.integers(0, n, n))
    np.testing.assert_array_equal(
        assign(X_new, X, labels, threshold), assign_reference(X_new, X, labels, threshold) if n_new else []
    )


def test_predict_thousands():
    X = identities(6000, 24)
    clustering = BallClustering(0.4).fit(X[:3000])
    predicted = clustering.predict(X[3000:])
    assert 500 < (predicted >= 0).sum() < 2900
    np.testing.assert_array_equal(predicted, assign_reference(X[3000:], X[:3000], clustering.labels_, 0.4))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_predict_in_the_metrics_unit(metric):
    rng = np.random.default_rng(0)
    X, X_new = rng.normal(size=(60, 3)), rng.normal(size=(40, 3))
    clustering = BallClustering(0.5, metric=metric).fit(X)
    distances = cdist(X_new, X, metric)
    predicted = clustering.predict(X_new)
    assert 0 < (predicted >= 0).sum() < 40
    for i, cluster in enumerate(predicted):
        if cluster >= 0:
            assert distances[i, clustering.labels_ == cluster].max() <= 0.5 + 1e-9


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 20), n_new=st.integers(1, 15), seed=st.integers(0, 2**16), threshold=st.floats(0.01, 6))
def test_partial_fit_equals_a_slow_twin(n, n_new, seed, threshold):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(n, 2)), rng.normal(size=(n_new, 2))
    clustering = BallClustering(threshold).fit(X)
    old = clustering.labels_
    clustering.partial_fit(X_new)
    both = np.concatenate([X, X_new])
    square = cdist(both, both, "sqeuclidean")
    groups = np.append(old, np.arange(old.max() + 1, old.max() + 1 + n_new))
    square[groups[:, None] == groups] = 0  # what is one cluster already
    wanted, _ = complete_linkage_reference(square, threshold)
    np.testing.assert_array_equal(clustering.labels_, wanted)
    np.testing.assert_array_equal(clustering.labels_[:n], old)  # numbers stay
    new = clustering.labels_[n:]
    np.testing.assert_array_equal(clustering.changes_.grown, np.unique(new[new <= old.max()]))
    np.testing.assert_array_equal(clustering.changes_.opened, np.arange(old.max() + 1, clustering.n_clusters_))


def test_partial_fit_keeps_what_may_not_be_linked():
    clustering = BallClustering(4.0).fit([[0.0], [1.0]], cannot_link=[(0, 1)])
    clustering.partial_fit([[0.4]])
    np.testing.assert_array_equal(clustering.labels_, [0, 1, 0])


def test_partial_fit_comes_first():
    np.testing.assert_array_equal(BallClustering(1.0).partial_fit([[0.0], [1.0]]).labels_, [0, 0])


def test_state_survives_pickling():
    clustering = pickle.loads(pickle.dumps(BallClustering(1.0).fit([[0.0], [3.0]])))
    np.testing.assert_array_equal(clustering.predict([[2.5], [9.0]]), [1, -1])


def test_a_number_of_clusters_reaches_as_far_as_its_last_merge():
    clustering = BallClustering(n_clusters=2).fit([[0.0], [1.0], [10.0]])
    np.testing.assert_array_equal(clustering.predict([[0.0], [1.0], [0.5], [9.5], [2.5]]), [0, 0, 0, 1, -1])


def test_the_whole_dendrogram_admits_everything():
    np.testing.assert_array_equal(BallClustering(None).fit([[0.0], [1.0]]).predict([[1e9]]), [0])


@pytest.mark.parametrize("method", ["predict", "partial_fit"])
def test_needs_points(method):
    clustering = BallClustering(metric="precomputed").fit(np.zeros((2, 2)))
    with pytest.raises(InputError, match=f"{method} needs an estimator fitted to points, got BallClustering"):
        getattr(clustering, method)(np.zeros((1, 2)))


# ---- saved and loaded


@pytest.fixture
def fitted():
    X = identities(400, 8)
    return BallClustering(0.3, n_jobs=1).fit(X, cannot_link=[(0, 1)])


def test_a_saved_clustering_goes_on_as_if_it_had_never_stopped(fitted, tmp_path):
    new = identities(200, 8, seed=1)
    fitted.save(tmp_path / "people.safetensors")
    loaded = BallClustering.load(tmp_path / "people.safetensors")
    assert loaded.get_params() == fitted.get_params()
    for name in ("labels_", "children_", "distances_", "n_clusters_", "n_features_in_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(fitted, name))
    np.testing.assert_array_equal(loaded.predict(new), fitted.predict(new))
    np.testing.assert_array_equal(loaded.partial_fit(new).labels_, fitted.partial_fit(new).labels_)


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
    with pytest.raises(InputError, match="must be of the format 'bcl_fast clustering 1', got None"):
        BallClustering.load(file)
    save_file({"labels": np.zeros(3)}, file, {"format": "bcl_fast clustering 1"})
    with pytest.raises(InputError, match="must hold a 1-D array of whole numbers named labels, got 1-D float64"):
        BallClustering.load(file)
    fitted.save(file, force=True)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"is not a whole \.safetensors file"):
        BallClustering.load(file)
