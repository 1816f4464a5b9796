"""The clusterings that ours is compared with, against slow twins and on points that leave no doubt."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bcl_fast._utils.codes import by_first_appearance
from bcl_fast.errors import InputError
from bcl_fast.paper.peers import dbscan, finch, gmeans, hdbscan, kmeans, xmeans
from bcl_fast.paper.peers._growing_kmeans import anderson_darling, is_not_normal, prefers_two

CLUSTERERS = {
    "kmeans": lambda points: kmeans(points, 4),
    "dbscan": lambda points: dbscan(points, 2.0),
    "hdbscan": hdbscan,
    "finch": lambda points: finch(points)[-1],
    "xmeans": xmeans,
    "gmeans": gmeans,
}


def blobs(n_clusters: int = 4, size: int = 30, dim: int = 3, spread: float = 0.2, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(n_clusters), size))
    centres = 10 * np.eye(max(n_clusters, dim))[:n_clusters, :dim] + 10 * np.arange(n_clusters)[:, None]
    return centres[labels] + spread * rng.standard_normal((len(labels), dim)), by_first_appearance(labels)


@pytest.mark.parametrize("name", ["kmeans", "dbscan", "xmeans", "gmeans"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_separated_clusters_are_found(name, dtype):
    points, labels = blobs()
    np.testing.assert_array_equal(CLUSTERERS[name](points.astype(dtype)), labels)


def test_stable_clusters_are_found_by_hdbscan():
    points, labels = blobs()
    np.testing.assert_array_equal(hdbscan(points, min_cluster_size=5), labels)


def test_a_partition_of_finch_is_the_clusters():
    points, labels = blobs()
    assert any(np.array_equal(partition, labels) for partition in finch(points))


@pytest.mark.parametrize("name", CLUSTERERS)
@pytest.mark.parametrize("points", [np.zeros((1, 2)), np.zeros((5, 2)), np.array([[0.0], [1.0]])])
def test_few_or_equal_points(name, points):
    labels = kmeans(points, min(2, len(points))) if name == "kmeans" else CLUSTERERS[name](points)
    assert labels.dtype == np.int64
    assert labels.shape == (len(points),)
    np.testing.assert_array_equal(labels, by_first_appearance(labels))


@pytest.mark.parametrize("name", ["xmeans", "gmeans", "kmeans"])
def test_the_seed_decides(name):
    points = np.random.default_rng(0).standard_normal((150, 4))
    np.testing.assert_array_equal(CLUSTERERS[name](points), CLUSTERERS[name](points))


def test_one_normal_cloud_is_one_cluster():
    points = np.random.default_rng(1).standard_normal((400, 4))
    assert gmeans(points).max() == 0
    assert xmeans(points).max() == 0


def test_kmeans_is_no_worse_than_scikit_learns():
    from sklearn.cluster import KMeans

    points = np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32)
    labels = kmeans(points, 12)
    inertia = sum(float(((own := points[labels == c]) - own.mean(axis=0)).__pow__(2).sum()) for c in range(12))
    assert labels.max() == 11
    assert inertia <= 1.02 * KMeans(12, n_init=20, random_state=0).fit(points).inertia_


@pytest.mark.parametrize("n_clusters", [0, 6])
def test_kmeans_refuses_numbers_out_of_range(n_clusters):
    with pytest.raises(InputError, match=rf"n_clusters must be in 1..5 \(the number of points\), got {n_clusters}"):
        kmeans(np.eye(5), n_clusters)


@pytest.mark.parametrize("n_gpus", [0, 1])
def test_kmeans_is_done_on_a_gpu_where_faiss_finds_one(monkeypatch, n_gpus):
    import faiss

    asked: list[bool] = []

    class OnCpu(faiss.Kmeans):
        def __init__(self, *sizes: int, gpu: bool, **options: object) -> None:
            asked.append(gpu)
            super().__init__(*sizes, **options)

    monkeypatch.setattr(faiss, "get_num_gpus", lambda: n_gpus)
    monkeypatch.setattr(faiss, "Kmeans", OnCpu)
    assert len(set(kmeans(np.repeat(np.eye(3), 2, axis=0), 3).tolist())) == 3
    assert asked == [n_gpus > 0]


def test_kmeans_names_the_extra_without_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        InputError, match=r"K-means wants faiss, which is not installed: pip install 'bcl-fast\[paper\]'"
    ):
        kmeans(np.eye(5), 2)


def test_noise_is_apart():
    points = np.array([[0.0], [0.1], [50.0], [99.0], [99.1]])
    assert dbscan(points, 1.0).tolist() == [0, 0, 1, 2, 2]
    assert dbscan(points, 1.0, min_samples=3).tolist() == [0, 1, 2, 3, 4]


def finch_reference(points: np.ndarray) -> list[list[int]]:
    """The paper's adjacency, all pairs written out, joined by repeated relabelling."""
    groups, partitions = [[i] for i in range(len(points))], []
    while len(groups) > 2:
        means = [points[group].mean(axis=0) for group in groups]
        squared = np.array([[((a - b) ** 2).sum() for b in means] for a in means])
        np.fill_diagonal(squared, np.inf)
        first = squared.argmin(axis=1)
        label = list(range(len(groups)))
        for i in range(len(groups)):
            for j in range(len(groups)):
                if first[i] == j or first[j] == i or first[i] == first[j]:
                    label = [label[i] if x == label[j] else x for x in label]
        if len(set(label)) == 1:
            break
        of_label = [[g for g, x in zip(groups, label, strict=True) if x == own] for own in dict.fromkeys(label)]
        groups = [[point for group in joined for point in group] for joined in of_label]
        of_point = {point: place for place, group in enumerate(groups) for point in group}
        partitions.append([of_point[point] for point in range(len(points))])
    return partitions or [list(range(len(points)))]


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 30), dim=st.integers(1, 3), seed=st.integers(0, 2**16))
def test_finch_is_its_slow_twin(n, dim, seed):
    points = np.random.default_rng(seed).standard_normal((n, dim))
    found, expected = finch(points), finch_reference(points)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, by_first_appearance(np.array(other)))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(8, 80), seed=st.integers(0, 2**16))
def test_the_statistic_is_scipys(n, seed):
    values = np.random.default_rng(seed).standard_exponential(n)
    z = np.sort((values - values.mean()) / values.std(ddof=1))
    cdf = scipy.stats.norm.cdf(z)
    plain = -n - sum((2 * i - 1) * (np.log(cdf[i - 1]) + np.log(1 - cdf[n - i])) for i in range(1, n + 1)) / n
    assert anderson_darling(values) == pytest.approx(plain * (1 + 4 / n - 25 / n**2), rel=1e-6)


def test_the_level_of_the_normality_test():
    rng, halves = np.random.default_rng(0), np.arange(200) % 2
    rejected = sum(is_not_normal(rng.standard_normal((200, 1)), halves) for _ in range(500))
    assert rejected <= 2  # 500 draws at the level 0.0001
    assert is_not_normal(np.concatenate([rng.standard_normal((100, 1)), 8 + rng.standard_normal((100, 1))]), halves)


def bic_reference(points: np.ndarray, labels: np.ndarray) -> float:
    """Log-likelihood under Gaussians of one variance, point by point, less the penalty of the parameters."""
    n, dim = points.shape
    means = {c: points[labels == c].mean(axis=0) for c in set(labels.tolist())}
    variance = sum(((x - means[c]) ** 2).sum() for x, c in zip(points, labels, strict=True)) / (dim * (n - len(means)))
    likelihood = sum(
        scipy.stats.multivariate_normal(means[c], variance * np.eye(dim)).logpdf(x) + np.log(np.mean(labels == c))
        for x, c in zip(points, labels, strict=True)
    )
    return likelihood - (len(means) - 1 + len(means) * dim + 1) / 2 * np.log(n)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(4, 25), gap=st.floats(0, 6), seed=st.integers(0, 2**16))
def test_two_are_preferred_when_their_bic_is_higher(n, gap, seed):
    halves = np.arange(n) % 2
    points = np.random.default_rng(seed).standard_normal((n, 2)) + gap * halves[:, None]
    two, one = bic_reference(points, halves), bic_reference(points, np.zeros(n, int))
    if abs(two - one) > 1e-6:
        assert prefers_two(points, halves) == (two > one)
