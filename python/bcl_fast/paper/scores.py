"""What is scored: functions of the tracks and one trained model that return the rows of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bcl_fast.cluster import complete_linkage, cut_merges, radius_threshold, threshold_for_count
from bcl_fast.evaluation import (
    Clusterer,
    EvaluationRow,
    normalized_mutual_information,
    score_clusterer,
    weighted_clustering_purity,
)
from bcl_fast.models import EmbeddingModel, raw_embeddings
from bcl_fast.paper.output import Record
from bcl_fast.paper.peers import dbscan, finch, gmeans, hdbscan, kmeans, xmeans
from bcl_fast.tracks import Splits, TrackSet, groups_of_videos
from bcl_fast.training import permuted_batches

SUMMARY = {  # means over the test videos, then all videos clustered together
    "#Ch": ",d",
    "#Cl": ",d",
    "count error": ".1%",
    "NMI": ".4f",
    "WCP": ".4f",
    "all #Ch": ",d",
    "all #Cl": ",d",
    "all NMI": ".4f",
    "all WCP": ".4f",
}
UNNAMED = re.compile(r"unknown|-person\d+$")  # labels of people without a name: of the authors, of our simulation
CURVE_POINTS = 100
RADII = 24  # of DBSCAN that are tried on the validation tracks


def summarise(rows: list[EvaluationRow], **keys: Any) -> Record:
    """One row of `SUMMARY`, with the keys before it."""
    videos, together = (rows[:-1], rows[-1]) if len(rows) > 1 else (rows, rows[0])
    errors = [abs(row.n_clusters - row.n_identities) / row.n_identities for row in videos]
    return {
        **keys,
        "#Ch": float(np.mean([row.n_identities for row in videos])),
        "#Cl": float(np.mean([row.n_clusters for row in videos])),
        "count error": float(np.mean(errors)),
        "NMI": float(np.mean([row.nmi for row in videos])),
        "WCP": float(np.mean([row.wcp for row in videos])),
        "all #Ch": together.n_identities,
        "all #Cl": together.n_clusters,
        "all NMI": together.nmi,
        "all WCP": together.wcp,
    }


def at_threshold(threshold: float) -> Clusterer:
    """Complete linkage cut at a squared distance."""
    return lambda points, _: complete_linkage(points, threshold).labels


def told_count(points: NDArray[Any], n_identities: int) -> NDArray[np.int64]:
    """Complete linkage cut at the true number of people."""
    return complete_linkage(points, n_clusters=n_identities).labels


def score_trivial(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """One cluster; as many clusters as tracks; the base features, told the number of people."""
    points = raw_embeddings(splits.test)
    ways: dict[str, Clusterer] = {
        "one cluster": lambda points, _: np.zeros(len(points), np.int64),
        "n clusters": lambda points, _: np.arange(len(points)),
        "base features, K known": told_count,
    }
    return [summarise(score_clusterer(splits.test, points, way), method=name) for name, way in ways.items()]


def score_model(splits: Splits, model: EmbeddingModel | None, **keys: Any) -> list[Record]:
    """Score a model at its own threshold."""
    assert model is not None
    rows = score_clusterer(splits.test, model.embed_tracks(splits.test), at_threshold(model.distance_threshold))
    return [summarise(rows, **keys)]


def score_base_and_model(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Score base features, told the number of people, beside a model on top of them."""
    assert model is not None
    keys = {"base features": f"{splits.test.n_features}-D", "head": "-".join(map(str, model.dimensions))}
    raw = score_clusterer(splits.test, raw_embeddings(splits.test), told_count)
    base = summarise(raw, **{**keys, "head": ""}, method="base features, K known")
    return [base, *score_model(splits, model, **keys, method="BCL")]


def score_dimension(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Score a model, with the width of its embeddings and the number of its parameters."""
    assert model is not None
    n_parameters = sum(parameter.numel() for parameter in model.head.parameters())
    keys = {"dimension": model.dimensions[-1], "head": "-".join(map(str, model.dimensions))}
    return [{**record, "parameters": n_parameters} for record in score_model(splits, model, **keys)]


def score_batch_size(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Score a model, with the size of its batches and the people in them."""
    assert model is not None
    codes, _ = splits.train.label_codes()
    rng = np.random.default_rng(int(model.recipe["seed"]))
    batches = permuted_batches(len(codes), int(model.recipe["batch_size"]), rng)
    counts = [np.bincount(codes[batch]) for batch in batches]
    people, often = (float(np.mean([np.count_nonzero(own > least) for own in counts])) for least in (0, 5))
    keys = {"batch": len(batches[0]), "people per batch": people, "of over 5 tracks": often}
    return score_model(splits, model, **keys)


def score_per_video(splits: Splits, model: EmbeddingModel | None, *, method: str) -> list[Record]:
    """Score a model per video, per series and over all, at both thresholds."""
    assert model is not None
    embeddings, facts = model.embed_tracks(splits.test), count_people(splits.test)
    own = "validation" if model.stored_threshold is not None else "4 b"
    thresholds = {"4 b": radius_threshold(model.squared_radius), "validation": validation_threshold(splits.val, model)}
    records = []
    for name, threshold in thresholds.items():
        for row in score_clusterer(splits.test, embeddings, at_threshold(threshold), series=True):
            scores = {"#Cl": row.n_clusters, "NMI": row.nmi, "WCP": row.wcp}
            keys = {"video": row.video, "method": f"{method}, {name}", "own threshold": name == own}
            records.append({**keys, **facts[row.video], **scores})
    return records


def validation_threshold(val: TrackSet, model: EmbeddingModel) -> float:
    """Threshold at which the validation tracks fall into their true number of clusters."""
    return threshold_for_count(model.embed_tracks(val), len(val.label_codes()[1]))


def count_people(tracks: TrackSet) -> dict[str, Record]:
    """Count the people and the tracks of each group of videos, of people with a name and without."""
    facts = {}
    for name, members in groups_of_videos(tracks, series=True):
        tracks_of: Counter[str] = Counter(tracks.labels[members].tolist())  # type: ignore[index]
        unnamed = [n_tracks for person, n_tracks in tracks_of.items() if UNNAMED.search(person)]
        facts[name] = {
            "#Ch": len(tracks_of),
            "#named": len(tracks_of) - len(unnamed),
            "#unknown": len(unnamed),
            "#T": len(members),
            "#T named": len(members) - sum(unnamed),
            "#T unknown": sum(unnamed),
        }
    return facts


def score_known_count(splits: Splits, model: EmbeddingModel | None, *, method: str) -> list[Record]:
    """Score complete linkage and K-means, both told the number of people; the base features without a model."""
    points = raw_embeddings(splits.test) if model is None else model.embed_tracks(splits.test)
    ways: dict[str, Clusterer] = {"complete linkage": told_count, "K-means": kmeans}
    n_videos = len(splits.test.videos)
    records = []
    for name, way in ways.items():
        rows, keys = score_clusterer(splits.test, points, way, series=True), {"method": method, "clustering": name}
        series = rows[n_videos:-1]
        records.append(summarise([row for row in rows if row not in series], **keys))
        records += [
            {**keys, "videos": row.video, "#Ch": row.n_identities, "NMI": row.nmi, "WCP": row.wcp} for row in series
        ]
    return records


def score_unsupervised(splits: Splits, model: EmbeddingModel | None, *, features: str) -> list[Record]:
    """Score ways to find the number of clusters without a trained threshold, on base features or embeddings.

    Where a method has a number to choose (the radius of DBSCAN, the level of FINCH), it is the one with the highest NMI
    on the validation tracks.
    """
    embed = raw_embeddings if model is None else model.embed_tracks
    val, points = embed(splits.val), embed(splits.test)
    codes = splits.val.label_codes()[0]
    ways: dict[str, Clusterer] = {
        "X-means": lambda own, _: xmeans(own),
        "G-means": lambda own, _: gmeans(own),
        "DBSCAN": _best_on_validation(val, codes, _radii(val), lambda own, radius: dbscan(own, radius)),
        "HDBSCAN": lambda own, _: hdbscan(own),
        "FINCH": _best_on_validation(val, codes, range(len(finch(val))), _level_of_finch),
    }
    return [
        summarise(score_clusterer(splits.test, points, way), features=features, clustering=name)
        for name, way in ways.items()
    ]


def _best_on_validation(
    val: NDArray[Any], codes: NDArray[np.int64], choices: Any, way: Callable[..., Any]
) -> Clusterer:
    scores = [normalized_mutual_information(codes, way(val, choice)) for choice in choices]
    best = list(choices)[int(np.argmax(scores))]
    return lambda points, _: way(points, best)


def _radii(points: NDArray[Any]) -> list[float]:
    """Radii to try: quantiles of the distances at which complete linkage merges."""
    heights = complete_linkage(points).merges[:, 2]
    quantiles = np.quantile(np.sqrt(heights[heights > 0]), np.linspace(0.02, 0.98, RADII))
    return [float(radius) for radius in np.unique(quantiles)]


def _level_of_finch(points: NDArray[Any], level: int) -> NDArray[np.int64]:
    partitions = finch(points)
    return partitions[min(level, len(partitions) - 1)]


def score_ablation(splits: Splits, model: EmbeddingModel | None, *, method: str) -> list[Record]:
    """Score a model at its own threshold, and told the number of people."""
    assert model is not None
    points = model.embed_tracks(splits.test)
    told = summarise(score_clusterer(splits.test, points, told_count), method=method, clusters="K known")
    return [*score_model(splits, model, method=method, clusters="own threshold"), told]


def tracks_per_identity(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Count the tracks of each person of each split, from the most seen on, and of all."""
    records: list[Record] = []
    for name, tracks in splits._asdict().items():
        counts = np.sort(np.bincount(tracks.label_codes()[0]))[::-1]
        records += [{"split": name, "rank": place + 1, "tracks": int(n)} for place, n in enumerate(counts)]
        records.append({"split": name, "people": len(counts), "tracks": int(counts.sum())})
    return records


def curve(splits: Splits, model: EmbeddingModel | None, *, method: str) -> list[Record]:
    """Score all test videos together at many numbers of clusters, and where the model stops."""
    assert model is not None
    codes, points = splits.test.label_codes()[0], model.embed_tracks(splits.test)
    merges = complete_linkage(points).merges
    counts = np.unique(np.geomspace(1, len(points), CURVE_POINTS).astype(int))
    stop = complete_linkage(points, model.distance_threshold)

    def record(labels: NDArray[np.int64], count: int, operating: bool) -> Record:
        nmi, wcp = normalized_mutual_information(codes, labels), weighted_clustering_purity(codes, labels)
        keys = {"method": method, "#Cl": count, "operating point": operating, "#Ch": int(codes.max()) + 1}
        return {**keys, "NMI": nmi, "WCP": wcp}

    rows = [record(cut_merges(merges, len(points), int(count)), int(count), False) for count in counts]
    return [*rows, record(stop.labels, stop.n_clusters, True)]


def clusters_of_a_video(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Cluster the test video with most people: a row per track, with its person and an image; then the scores."""
    assert model is not None
    codes = splits.test.label_codes()[0]
    of_video = splits.test.tracks_of_videos()
    video, members = max(of_video.items(), key=lambda item: len(np.unique(codes[item[1]])))
    tracks = splits.test.select(members)
    labels = complete_linkage(model.embed_tracks(tracks), model.distance_threshold).labels
    rows = [
        {"video": video, "cluster": int(labels[t]), "track": str(tracks.track_ids[t]), "person": person, "image": image}
        for t, (person, image) in enumerate(zip(tracks.labels.tolist(), _images(tracks), strict=True))  # type: ignore[union-attr]
    ]
    (row,) = score_clusterer(tracks, raw_embeddings(tracks), lambda *_: labels)
    return [*rows, {"video": video, "#Ch": row.n_identities, "#Cl": row.n_clusters, "NMI": row.nmi, "WCP": row.wcp}]


def _images(tracks: TrackSet) -> Iterator[str]:
    """One image of each track, of its middle face that has one."""
    for start, stop in zip(tracks.offsets[:-1], tracks.offsets[1:], strict=True):
        known = [] if tracks.images is None else [str(path) for path in tracks.images[start:stop] if path]
        yield known[len(known) // 2] if known else ""
