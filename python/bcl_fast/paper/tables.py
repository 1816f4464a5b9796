"""The paper's tables and figures: what each is made of."""

from __future__ import annotations

from functools import partial

from bcl_fast.models import EmbeddingModel
from bcl_fast.paper import figures, published, scores
from bcl_fast.paper.clusters_figure import draw_clusters
from bcl_fast.paper.loss_times import time_losses
from bcl_fast.paper.output import Record
from bcl_fast.paper.parts import Output, Part, Scoring
from bcl_fast.paper.scores import SUMMARY
from bcl_fast.paper.source import PAPER_EPISODES, Data
from bcl_fast.paper.variants import (
    NAMES,
    ablations,
    all_losses,
    base_feature_variants,
    batch_variants,
    embedding_dimension_variants,
    loss_variant,
)
from bcl_fast.tracks import Splits
from bcl_fast.training import Recipe

PAPER_BATCH = 2000
FACTS = tuple(published.FACTS.values())
OF_ONE = {"#Ch": ",d", "#Cl": ",d", "NMI": ".4f", "WCP": ".4f"}
PER_VIDEO = {**dict.fromkeys(FACTS, ",d"), **OF_ONE}


def plan(base: Recipe, mlp: Recipe, n_features: int, data: Data) -> dict[str, Output]:
    """All tables and figures by name.

    Parameters
    ----------
    base : Recipe
        Of the usual BCL training.
    mlp : Recipe
        Of the trainings of the paper's head whose widths are the question.
    n_features : int
        Of the base features.
    data : {"simulated films", "your tracks", "the paper's test videos"}
        What is scored; simulated features can be had of any dimension.
    """
    made = [
        _table1(base),
        _table2(mlp, n_features, simulated=data == "simulated films"),
        _table3(mlp, n_features),
        _table4(base),
        _table5(base, data),
        _table6(base),
        _figure4(),
        _figure5(base),
        _figure6(base),
        _losses_time(),
    ]
    return {output.name: output for output in made}


NAMES_OF_OUTPUTS = (
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "figure4",
    "figure5",
    "figure6",
    "losses-time",
)


def _table1(base: Recipe) -> Output:
    scorings = [
        Scoring("trivial", scores.score_trivial),
        Scoring("ball", partial(scores.score_model, method="BCL, 4 b"), loss_variant(base, "ball")),
    ]
    title = "Trivial clusterings, base features and BCL"
    part = Part(title, ("method",), SUMMARY, scorings, of_the_paper=published.table1())
    return Output("table1", "Table 1: what the scores say", [part])


def _table2(base: Recipe, n_features: int, *, simulated: bool) -> Output:
    variants = base_feature_variants(base, n_features, simulated=simulated)
    scorings = [Scoring(variant.name, scores.score_base_and_model, variant) for variant in variants]
    notes = () if simulated else ("Features of one dimension were given; run it on others in a folder of their own.",)
    keys = ("base features", "head", "method")
    part = Part("Base features", keys, SUMMARY, scorings, notes=notes, of_the_paper=published.table2())
    return Output("table2", "Table 2: base features of different dimension", [part])


def _table3(base: Recipe, n_features: int) -> Output:
    variants = embedding_dimension_variants(base, n_features)
    scorings = [Scoring(variant.name, scores.score_dimension, variant) for variant in variants]
    measures = {"parameters": ",d", **SUMMARY}
    title, keys = "Dimension of the embedding", ("dimension", "head")
    part = Part(title, keys, measures, scorings, of_the_paper=published.table3())
    return Output("table3", "Table 3: embedding dimension", [part])


def _table4(base: Recipe) -> Output:
    scorings = [Scoring(variant.name, scores.score_batch_size, variant) for variant in batch_variants(base)]
    measures = {"people per batch": ",d", "of over 5 tracks": ",d", **SUMMARY}
    part = Part("Tracks of a batch", ("batch",), measures, scorings, of_the_paper=published.table4())
    return Output("table4", "Table 4: batch size", [part])


def _table5(base: Recipe, data: Data) -> Output:
    scorings = [
        Scoring(variant.name, partial(scores.score_per_video, method=NAMES[variant.recipe.loss]), variant)
        for variant in all_losses(base)
    ]
    keys = ("video", "method")
    part = partial(Part, keys=keys, measures=PER_VIDEO, scorings=scorings, columns_are="video", facts=FACTS)
    same_videos = data == "the paper's test videos"
    papers = part("Of the paper, on its own videos", scorings=[], of_the_paper=published.table5())
    own = part(
        "Each loss at its own threshold",
        where=lambda record: bool(record.get("own threshold", True)),
        of_the_paper=published.table5() if same_videos else [],
    )
    note = "4 b of a loss without a ball: the radius that suits its embeddings of the training tracks best."
    other = part("Each loss at the other threshold", where=lambda record: not record["own threshold"], notes=(note,))
    return Output(
        "table5",
        "Table 5: all losses, per video and over combined videos",
        [own, other, *([] if same_videos else [papers])],
    )


def _table6(base: Recipe) -> Output:
    known = [
        Scoring("known-base", partial(scores.score_known_count, method="base features")),
        *(
            Scoring(f"known-{v.name}", partial(scores.score_known_count, method=NAMES[v.recipe.loss]), v)
            for v in all_losses(base)
        ),
    ]
    unsupervised = [
        Scoring("unknown-base", partial(scores.score_unsupervised, features="base features")),
        Scoring("unknown-ball", partial(scores.score_unsupervised, features="BCL"), loss_variant(base, "ball")),
    ]
    changed = [
        Scoring(f"ablation-{variant.name}", partial(scores.score_ablation, method=name), variant)
        for name, variant in ablations(base).items()
    ]
    told = partial(Part, scorings=known, of_the_paper=published.table6())
    note = "The radius of DBSCAN and the level of FINCH are those with the highest NMI on the validation tracks."
    parts = [
        told("Number of people known", ("method", "clustering"), SUMMARY, where=lambda r: "videos" not in r),
        told(
            "Number of people known, the videos of a series together",
            ("method", "clustering", "videos"),
            {"#Ch": ",d", "NMI": ".4f", "WCP": ".4f"},
            where=lambda r: "videos" in r,
        ),
        Part(
            "Number of people found without training", ("features", "clustering"), SUMMARY, unsupervised, notes=(note,)
        ),
        Part(
            "Normalisation, and faces of a track in training",
            ("method", "clusters"),
            SUMMARY,
            changed,
            notes=("The paper gives no scores for the mean of a random half, but that its NMI is 7 points lower.",),
            of_the_paper=published.ablations(),
        ),
    ]
    return Output("table6", "Table 6: known number of people, peers and ablations", parts)


def _figure4() -> Output:
    scorings = [Scoring("identities", scores.tracks_per_identity)]
    ranks = Part("Tracks per identity", ("split", "rank"), {"tracks": ",d"}, scorings, where=lambda r: "rank" in r)
    sizes = Part(
        "People and tracks",
        ("split",),
        {"people": ",d", "tracks": ",d"},
        scorings,
        where=lambda record: "people" in record,
        of_the_paper=published.splits(),
    )
    title = "Figure 4: tracks per identity"
    return Output("figure4", title, [ranks, sizes], figures.draw_tracks_per_identity, is_figure=True, scores=False)


def _figure5(base: Recipe) -> Output:
    scorings = [
        Scoring(variant.name, partial(scores.curve, method=NAMES[variant.recipe.loss]), variant)
        for variant in all_losses(base)
    ]
    curves = Part("All test videos together", ("method", "#Cl", "operating point"), OF_ONE, scorings)
    stops = Part(
        "Where each loss stops",
        ("method",),
        OF_ONE,
        scorings,
        where=lambda record: bool(record.get("operating point", True)),
        of_the_paper=[record for record in published.table5() if record["video"] == "all"],
    )
    title = "Figure 5: scores against the number of clusters"
    return Output("figure5", title, [curves, stops], figures.draw_curves, is_figure=True)


def _figure6(base: Recipe) -> Output:
    scorings = [Scoring("clusters", scores.clusters_of_a_video, loss_variant(base, "ball"))]
    keys = ("video", "cluster", "track", "person", "image")
    clusters = Part("Clusters of a video", keys, {}, scorings, where=lambda record: "track" in record)
    episodes = [r for r in published.table5() if r["method"] == "BCL" and r["video"] in PAPER_EPISODES]
    counts = Part(
        "The video, and the paper's",
        ("video",),
        OF_ONE,
        scorings,
        where=lambda record: "track" not in record,
        of_the_paper=episodes,
    )
    return Output("figure6", "Figure 6: the clusters", [clusters, counts], draw_clusters, is_figure=True)


def _losses_time() -> Output:
    note = (
        "plain: the formulas transcribed in PyTorch, all distances in memory. Times are of this machine; the paper's "
        "(section 5.2) are of its authors', for 61,774 tracks in batches of 2,000."
    )
    part = Part(
        "Seconds of loss computation per epoch, forward and backward",
        ("loss",),
        {"tracks": ",d", "batch": ",d", "ours seconds": ".3g", "plain seconds": ".3g", "paper seconds": ".1f"},
        [Scoring("time", time_of_losses, alone=True)],
        notes=(note,),
    )
    return Output("losses-time", "Section 5.2: time of the losses", [part], scores=False)


def time_of_losses(splits: Splits, model: EmbeddingModel | None) -> list[Record]:
    """Time the losses on batches of the training tracks."""
    codes, _ = splits.train.label_codes()
    papers = published.seconds_per_epoch()
    return [
        {
            **record,
            "loss": NAMES[str(record["loss"])],
            "tracks": len(codes),
            "batch": min(PAPER_BATCH, len(codes)),
            "paper seconds": papers.get(str(record["loss"])),
        }
        for record in time_losses(codes, PAPER_BATCH)
    ]
