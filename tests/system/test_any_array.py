"""What a caller holds is taken without a word, by all functions alike: tensors, data frames, arrays of objects."""

from __future__ import annotations

import pickle
import sys
import types
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone

from bcl_fast import BallClustering, BallLoss, complete_linkage, cut_merges, linkage, radius_graph
from bcl_fast._utils.arrays import as_array
from bcl_fast.cluster import threshold_for_count
from bcl_fast.errors import InputError

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32).astype(np.float64)
COARSE = np.round(X * 8) / 8  # numbers that bfloat16 holds

KINDS = {
    "tensor": torch.from_numpy,
    "tensor with a gradient": lambda x: torch.from_numpy(x).requires_grad_() * 1,
    "parameter": lambda x: torch.nn.Parameter(torch.from_numpy(x)),
    "bfloat16": lambda x: torch.from_numpy(x).bfloat16(),
    "float16": lambda x: torch.from_numpy(x).half(),
    "float16 array": lambda x: x.astype(np.float16),
    "list": lambda x: x.tolist(),
    "list of arrays": list,
    "list of tensors": lambda x: list(torch.from_numpy(x).requires_grad_()),
    "objects": lambda x: x.astype(object),
    "array of vectors": lambda x: pd.Series(list(x)).to_numpy(),
    "data frame": pd.DataFrame,
    "nullable data frame": lambda x: pd.DataFrame(x).astype("Float64"),
    "Arrow data frame": lambda x: pd.DataFrame(x).astype("double[pyarrow]"),
    "column of vectors": lambda x: pd.Series(list(x)),
    "masked array": np.ma.masked_array,
    "big-endian": lambda x: x.astype(">f8"),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}
FUNCTIONS = {
    "complete_linkage": lambda x: complete_linkage(x, 1.5).merges,
    "cosine": lambda x: complete_linkage(x, 0.5, metric="cosine").merges,
    "n_clusters": lambda x: complete_linkage(x, n_clusters=4).labels,
    "linkage": linkage,
    "radius_graph": lambda x: radius_graph(x, 1.5).toarray(),
    "BallClustering": lambda x: BallClustering(1.5).fit(x).distances_,
    "predict": lambda x: BallClustering(1.5).fit(x).predict(x),
    "partial_fit": lambda x: BallClustering(1.5).fit(x).partial_fit(x).labels_,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_embeddings_of_any_kind(function: str, kind: str) -> None:
    np.testing.assert_allclose(FUNCTIONS[function](KINDS[kind](COARSE)), FUNCTIONS[function](COARSE), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_dissimilarities_of_any_kind(kind: str) -> None:
    if kind in ("bfloat16", "float16", "float16 array"):
        pytest.skip("rounds the dissimilarities")
    square = np.abs(X @ X.T - 3)
    np.fill_diagonal(square, 0)
    square = (square + square.T) / 2
    wanted = complete_linkage(square, 2.0, metric="precomputed").labels
    np.testing.assert_array_equal(complete_linkage(KINDS[kind](square), 2.0, metric="precomputed").labels, wanted)


@pytest.mark.parametrize(
    "pairs", [[(0, 5), (1, 7)], torch.tensor([[0, 5], [1, 7]]), pd.DataFrame({"a": [0, 1], "b": [5, 7]}, dtype="Int64")]
)
def test_pairs_of_any_kind(pairs: Any) -> None:
    wanted = complete_linkage(X, 2.0, must_link=[(0, 5), (1, 7)]).labels
    np.testing.assert_array_equal(complete_linkage(X, 2.0, must_link=pairs).labels, wanted)
    np.testing.assert_array_equal(BallClustering(2.0).fit(X, must_link=pairs).labels_, wanted)


@pytest.mark.parametrize("threshold", [torch.tensor(1.5), torch.nn.Parameter(torch.tensor(1.5)), np.float32(1.5)])
def test_a_threshold_of_any_kind(threshold: Any, tmp_path: Any) -> None:
    wanted = complete_linkage(X, 1.5).labels
    np.testing.assert_array_equal(complete_linkage(X, threshold).labels, wanted)
    assert radius_graph(X, threshold).nnz == radius_graph(X, 1.5).nnz
    clustering = clone(BallClustering(threshold)).fit(X)
    np.testing.assert_array_equal(clustering.labels_, wanted)
    clustering.save(tmp_path / "c.safetensors")
    assert BallClustering.load(tmp_path / "c.safetensors").distance_threshold == 1.5
    assert pickle.loads(pickle.dumps(clustering)).distance_threshold == 1.5
    np.testing.assert_array_equal(BallClustering().set_params(distance_threshold=threshold).fit(X).labels_, wanted)


def test_from_the_loss_to_the_clustering() -> None:
    loss = BallLoss(init_raw=-1.0)
    embeddings = torch.nn.functional.normalize(torch.from_numpy(X).requires_grad_(), dim=1)
    clustering = clone(BallClustering(loss.distance_threshold)).fit(embeddings)
    wanted = complete_linkage(embeddings.detach().numpy(), loss.distance_threshold.item())
    np.testing.assert_array_equal(clustering.labels_, wanted.labels)


@pytest.mark.parametrize("number", [4, 4.0, np.int8(4), np.float32(4), np.array(4), torch.tensor(4)])
def test_a_number_of_clusters_of_any_kind(number: Any) -> None:
    wanted = complete_linkage(X, n_clusters=4)
    np.testing.assert_array_equal(complete_linkage(X, n_clusters=number).labels, wanted.labels)
    np.testing.assert_array_equal(BallClustering(n_clusters=number).fit(X).labels_, wanted.labels)
    np.testing.assert_array_equal(cut_merges(torch.from_numpy(linkage(X)), len(X), number), wanted.labels)
    assert complete_linkage(X, threshold_for_count(X, number)).n_clusters == 4


@pytest.mark.parametrize(
    "parameters",
    [
        {"distance_threshold": np.float32(0.5)},
        {"n_clusters": np.int64(2)},
        {"n_clusters": torch.tensor(2)},
        {"n_jobs": np.int32(1)},
        {"n_jobs": 2.0},
        {"memory_limit": np.int64(10**9)},
        {"memory_limit": 1e9},
        {"metric": np.str_("euclidean")},
        {"device": torch.device("cpu")},
    ],
    ids=str,
)
def test_what_fits_can_be_saved(parameters: dict[str, Any], tmp_path: Any) -> None:
    clustering = BallClustering(**parameters).fit(X)
    clustering.save(tmp_path / "c.safetensors")
    loaded = BallClustering.load(tmp_path / "c.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), clustering.predict(X))


def test_the_cosine_distance_of_vectors_whose_squares_leave_float64() -> None:
    points = np.array([[1e-200, 0], [3.0, 0], [0, 1e-200], [0, 1e145], [1e-310, 0]])
    np.testing.assert_array_equal(complete_linkage(points, 0.5, metric="cosine").labels, [0, 0, 1, 1, 0])


BAD = {
    "sparse": (
        scipy.sparse.eye_array(4),
        "X must be a dense array of vectors, got a sparse matrix: distances want metric='precomputed'",
    ),
    "sparse tensor": (
        torch.eye(4).to_sparse(),
        "X must be a dense array of vectors, got a sparse matrix: distances want metric='precomputed'",
    ),
    "generator": ((row for row in X), "X must be an array, got a generator, which can be read once only"),
    "ragged": ([[1.0, 2.0], [3.0]], "X must be an array, got rows of different lengths or depths"),
    "ragged column": (
        pd.Series([np.ones(2), np.ones(3)]),
        "X must be an array, got rows of different lengths or depths",
    ),
    "missing": (pd.DataFrame({"a": [1.0, None]}, dtype="Float64"), "X must be finite, got nan in row 1, column 0"),
    "None in it": (np.array([[1.0], [None]], object), "X must be finite, got nan in row 1, column 0"),
    "masked": (np.ma.masked_array([[1.0], [2.0]], [[0], [1]]), "X must be finite, got nan in row 1, column 0"),
    "text": (np.array([["1"], ["2"]], object), "X must be a dense array of real numbers, got dtype object"),
    "None": (None, "X must be an array, got None"),
    "set": ({1.0, 2.0}, "X must be an array, got a set"),
    "str": ("12", "X must be an array, got a str"),
    "complex": (
        torch.ones(2, 2, dtype=torch.complex64),
        "X must be a dense array of real numbers, got dtype complex64",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("function", [lambda x: complete_linkage(x, 1.0), lambda x: radius_graph(x, 1.0)])
def test_what_is_no_array_of_numbers_is_said(function: Any, case: str) -> None:
    values, sentence = BAD[case]
    with pytest.raises(InputError) as raised:
        function(values)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_clusters": "2"}, "n_clusters must be a whole number, got '2'"),
        ({"n_clusters": 2.5}, "n_clusters must be a whole number, got 2.5"),
        ({"n_clusters": True}, "n_clusters must be a whole number, got True"),
        ({"memory_limit": 1.5}, "memory_limit must be a positive number of bytes, got 1.5"),
        ({"n_jobs": "all"}, "n_jobs must be None or a whole number other than 0 (-1: all cores), got 'all'"),
        ({"distance_threshold": torch.ones(2)}, "distance_threshold must be a distance >= 0, got tensor([1., 1.])"),
        ({"device": torch.device("meta")}, "device must be 'cpu', 'cuda' or 'cuda:<number>', got device(type='meta')"),
    ],
)
def test_other_numbers_are_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as raised:
        complete_linkage(X, **options)
    assert str(raised.value) == sentence


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize(
    "wrap", [lambda x: x, torch.from_numpy, pd.DataFrame, lambda x: x[:], lambda x: x.T.copy().T], ids=range(5)
)
def test_a_buffer_that_is_filled_again_changes_no_sample(wrap, dtype):
    buffer = np.empty((2, 2), dtype)
    given = wrap(buffer)
    shares = np.shares_memory(buffer, np.asarray(given))
    clustering = BallClustering(1.0)
    for value in (0.0, 10.0, 20.0):
        buffer[:] = value
        clustering.partial_fit(given if shares else wrap(buffer))
    assert clustering.labels_.tolist() == [0, 0, 1, 1, 2, 2]
    buffer[:] = 99
    assert clustering.predict([[0.0, 0.0], [20.0, 20.0]]).tolist() == [0, 2]


def test_a_module_that_another_thread_is_importing_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("scipy.sparse", "torch"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    np.testing.assert_array_equal(as_array(np.eye(3), "X"), np.eye(3))
