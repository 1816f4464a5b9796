"""The scores against slow, obvious twins, and what must hold for any partition."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from bcl_fast.errors import InputError
from bcl_fast.evaluation import b_cubed, normalized_mutual_information, weighted_clustering_purity

METRICS = [normalized_mutual_information, weighted_clustering_purity, b_cubed]


@st.composite
def labelings(draw):
    """Two labelings of the same 1 to 30 samples."""
    n = draw(st.integers(1, 30))
    codes = st.lists(st.integers(0, draw(st.integers(0, 8))), min_size=n, max_size=n)
    return draw(codes), draw(codes)


def nmi_reference(true, predicted):
    n = len(true)

    def entropy(labels):
        return -sum(c / n * math.log(c / n) for c in Counter(labels).values())

    pairs, rows, columns = Counter(zip(true, predicted, strict=True)), Counter(true), Counter(predicted)
    mutual = sum(c / n * math.log(c * n / (rows[a] * columns[b])) for (a, b), c in pairs.items())
    mean = (entropy(true) + entropy(predicted)) / 2
    return 1.0 if mean == 0 else mutual / mean


def wcp_reference(true, predicted):
    clusters = {c: [a for a, b in zip(true, predicted, strict=True) if b == c] for c in predicted}
    return sum(
        len(people) / len(true) * Counter(people).most_common(1)[0][1] / len(people) for people in clusters.values()
    )


def b_cubed_reference(true, predicted):
    precisions, recalls = [], []
    for a, b in zip(true, predicted, strict=True):
        both = sum(x == a and y == b for x, y in zip(true, predicted, strict=True))
        precisions.append(both / predicted.count(b))
        recalls.append(both / true.count(a))
    precision, recall = np.mean(precisions), np.mean(recalls)
    return precision, recall, 2 * precision * recall / (precision + recall)


@settings(deadline=None)
@given(labelings())
def test_scores_equal_their_references(labels):
    true, predicted = labels
    assert normalized_mutual_information(true, predicted) == pytest.approx(nmi_reference(true, predicted), abs=1e-9)
    assert weighted_clustering_purity(true, predicted) == pytest.approx(wcp_reference(true, predicted))
    assert b_cubed(true, predicted) == pytest.approx(b_cubed_reference(true, predicted))


@settings(deadline=None)
@given(labelings())
def test_nmi_equals_scikit_learn(labels):
    from sklearn.metrics import normalized_mutual_info_score

    assert normalized_mutual_information(*labels) == pytest.approx(normalized_mutual_info_score(*labels), abs=1e-12)


@settings(deadline=None)
@given(labelings(), st.randoms(use_true_random=False))
def test_names_and_order_do_not_matter(labels, random):
    true, predicted = labels
    names = [f"person {i}" for i in range(9)]
    random.shuffle(names)
    order = random.sample(range(len(true)), len(true))
    renamed = [names[true[i]] for i in order], np.array([100 - 7 * predicted[i] for i in order])
    for metric in METRICS:
        assert metric(*renamed) == pytest.approx(metric(true, predicted))


@settings(deadline=None)
@given(labelings())
def test_a_perfect_clustering_scores_one(labels):
    true, _ = labels
    assert normalized_mutual_information(true, true) == pytest.approx(1)
    assert weighted_clustering_purity(true, true) == 1
    assert b_cubed(true, true) == pytest.approx((1, 1, 1))


@settings(deadline=None)
@given(labelings())
def test_swapping_the_partitions(labels):
    true, predicted = labels
    forward, backward = b_cubed(true, predicted), b_cubed(predicted, true)
    assert (forward.precision, forward.recall) == pytest.approx((backward.recall, backward.precision))
    assert normalized_mutual_information(true, predicted) == pytest.approx(
        normalized_mutual_information(predicted, true), abs=1e-9
    )


@settings(deadline=None)
@given(labelings())
def test_splitting_a_cluster_never_costs_purity(labels):
    true, predicted = labels
    split = [(c, i % 2) for i, c in enumerate(predicted)]
    split = [f"{c} {half}" for c, half in split]
    assert weighted_clustering_purity(true, split) >= weighted_clustering_purity(true, predicted) - 1e-12


def test_scores_by_hand():
    true, predicted = ["ann", "ann", "ann", "bob", "bob", "cid"], [0, 0, 1, 1, 1, 2]
    assert weighted_clustering_purity(true, predicted) == pytest.approx((2 + 2 + 1) / 6)
    assert b_cubed(true, predicted).precision == pytest.approx((2 * 1 + 1 / 3 + 2 * 2 / 3 + 1) / 6)
    assert b_cubed(true, predicted).recall == pytest.approx((2 * 2 / 3 + 1 / 3 + 2 * 1 + 1) / 6)


def test_one_cluster_and_clusters_of_one():
    true = ["ann", "ann", "bob", "bob"]
    assert normalized_mutual_information(true, [5] * 4) == 0
    assert weighted_clustering_purity(true, [5] * 4) == 0.5
    assert weighted_clustering_purity(true, range(4)) == 1
    assert b_cubed(true, range(4)).precision == 1
    assert b_cubed(true, range(4)).recall == 0.5


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "labels",
    [
        ["a", "b", "a"],
        ("a", "b", "a"),
        np.array(["a", "b", "a"]),
        np.array(["a", "b", "a"], object),
        np.array([-3, 2**40, -3]),
        np.array([7, 8, 7], np.uint8),
        [1, "1", 1],
        [True, False, True],
    ],
    ids=str,
)
def test_labels_of_any_kind(metric, labels):
    assert metric(labels, [0, 0, 1]) == metric([0, 1, 0], [0, 0, 1])
    assert metric([0, 0, 1], labels) == metric([0, 0, 1], [0, 1, 0])


MISSING = {
    "None": [None, "a", None, "b", "a"],
    "of several kinds": [np.datetime64("NaT"), 1, "", 2, 1],
    "objects": np.array([np.nan, "a", None, "b", "a"], object),
    "NA among objects": pd.Series([pd.NA, "a", None, "b", "a"], dtype="object"),
    "NaN in a list": [float("nan"), "a", float("nan"), "b", "a"],
    "NaN": np.array([np.nan, 1, np.nan, 2, 1]),
    "empty text": np.array(["", "a", "", "b", "a"]),
    "column": pd.Series([None, "a", None, "b", "a"]),
    "nullable": pd.Series([None, 1, None, 2, 1], dtype="Int64"),
    "categories": pd.Series([None, "a", None, "b", "a"], dtype="category"),
    "Arrow": pd.Series([None, "a", None, "b", "a"], dtype="string[pyarrow]"),
    "masked": np.ma.masked_array([5, 1, 5, 2, 1], [1, 0, 1, 0, 0]),
    "times": np.array(["NaT", "2001-01-01", "NaT", "2002-01-01", "2001-01-01"], "datetime64[s]"),
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", MISSING)
def test_the_labelled_part_is_scored_whatever_holds_the_labels(metric, kind):
    with pytest.warns(UserWarning, match="2 of 5 samples have no true label: they are left out of the score"):
        assert metric(MISSING[kind], [0, 0, 1, 1, 1]) == metric(["a", "b", "a"], [0, 1, 1])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", MISSING)
def test_a_sample_without_a_cluster_is_one_of_its_own(metric, kind):
    true, wanted = ["a", "a", "a", "b", "b"], [10, 0, 11, 1, 0]
    assert metric(true, MISSING[kind]) == metric(true, wanted)
    for labels in ([-1, 0, -1, 1, 0], np.array([-1, 0, -1, 1, 0], np.int8), [-1.0, 0, -1, 1, 0]):
        assert metric(true, labels) == metric(true, wanted)
        assert metric(true, pd.Series(labels)) == metric(true, wanted)


@pytest.mark.parametrize("metric", METRICS)
def test_an_identity_may_be_called_minus_one(metric):
    assert metric([-1, 0, -1, 1], [0, 1, 0, 2]) == metric([3, 0, 3, 1], [0, 1, 0, 2])


@pytest.mark.parametrize("metric", METRICS)
def test_labels_as_tensors(metric):
    torch = pytest.importorskip("torch")
    labels = torch.tensor([4, 5, 4])
    for tensors in (labels, list(labels), labels.to(torch.bfloat16)):
        assert metric(tensors, [0, 0, 1]) == metric([0, 1, 0], [0, 0, 1])
        assert metric([0, 0, 1], tensors) == metric([0, 0, 1], [0, 1, 0])


@pytest.mark.parametrize("metric", METRICS)
def test_bad_labels_are_named(metric):
    with pytest.raises(InputError, match=r"labels_true must hold at least one label, got 2 that are missing"):
        metric([None, ""], [0, 1])
    for labels, kind in ((None, "None"), (5, "a int"), (csr_array((2, 2)), "a csr_array")):
        with pytest.raises(InputError, match=f"^labels_pred must be a sequence, got {kind}$"):
            metric([0, 1], labels)
    with pytest.raises(InputError, match=r"^labels must be values that can be told apart, .* got collections$"):
        metric([[1], [2, 3]], [0, 1])
    with pytest.raises(InputError, match=r"labels_true must be a sequence, got a set, which has no order"):
        metric({1, 2}, [0, 1])
    with pytest.raises(InputError, match=r"labels_true must be a sequence, got a generator"):
        metric((label for label in "ab"), [0, 1])
    with pytest.raises(InputError, match=r"labels_true and labels_pred must be equally long, got 2 and 3 labels"):
        metric([0, 1], [0, 1, 2])
    with pytest.raises(InputError, match=r"must hold at least one label, got none"):
        metric([], [])
    with pytest.raises(InputError, match=r"labels_pred must be one-dimensional, got shape \(2, 3\)"):
        metric([0, 1], np.zeros((2, 3)))


def test_memory_is_that_of_the_samples():
    import tracemalloc

    n = 100_000  # a dense contingency table of clusters of one would take 80 GB
    labels = np.arange(n)
    normalized_mutual_information([0, 1], [0, 1])  # the import is not counted
    tracemalloc.start()
    assert b_cubed(labels, labels).f_score == pytest.approx(1)
    assert weighted_clustering_purity(labels, labels) == 1
    assert normalized_mutual_information(labels, labels) == pytest.approx(1)
    assert tracemalloc.get_traced_memory()[1] < 1000 * n
    tracemalloc.stop()
