"""The paper's tables and figures: what each is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from bcl_fast.models import EmbeddingModel
from bcl_fast.paper import figures, scores
from bcl_fast.paper.loss_times import time_losses
from bcl_fast.paper.output import Record, Table
from bcl_fast.paper.published import LOSS_SECONDS_PER_EPOCH
from bcl_fast.paper.scores import SUMMARY
from bcl_fast.paper.variants import (
    NAMES,
    Variant,
    ablations,
    all_losses,
    base_feature_variants,
    batch_variants,
    embedding_dimension_variants,
    loss_variant,
)
from bcl_fast.tracks import Splits
from bcl_fast.training import Recipe

Score = Callable[[Splits, EmbeddingModel | None], list[Record]]
PAPER_BATCH = 2000
FACTS = ("#Ch", "#named", "#unknown", "#T")
PER_VIDEO = {"#Ch": ",d", "#named": ",d", "#unknown": ",d", "#T": ",d", "#Cl": ",d", "NMI": ".3f", "WCP": ".3f"}


@dataclass(frozen=True)
class Scoring:
    """One piece of work whose result is kept: some rows of a table.

    Attributes
    ----------
    name : str
        Unique within the table; part of a file name.
    score : callable
        Takes the tracks and the model; can be sent to another process.
    variant : Variant or None
        The training whose model it wants.
    alone : bool
        Whether it measures time: it wants the machine for itself, and a simulation to have the paper's size.
    """

    name: str
    score: Score
    variant: Variant | None = None
    alone: bool = False


@dataclass(frozen=True)
class Part:
    """One table of an output: the records of some scorings."""

    title: str
    keys: tuple[str, ...]
    measures: Mapping[str, str]
    scorings: list[Scoring]
    where: Callable[[Record], bool] = field(default=lambda record: True)
    columns_are: str = ""
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def table(self, records: Mapping[str, list[Record]]) -> Table:
        """Put the records of the scorings, by their names, into a table."""
        own = [record for scoring in self.scorings for record in records[scoring.name] if self.where(record)]
        return Table(self.title, self.keys, self.measures, own, self.columns_are, self.facts, list(self.notes))


@dataclass(frozen=True)
class Output:
    """A table or figure of the paper."""

    name: str
    title: str
    parts: list[Part]
    draw: figures.Draw = figures.draw_tables
    is_figure: bool = False  # whether the picture says it all: its text has no tables
    scores: bool = True  # whether it says how good clusterings are

    @property
    def scorings(self) -> list[Scoring]:
        """All its pieces of work, each once."""
        return list({scoring.name: scoring for part in self.parts for scoring in part.scorings}.values())


def plan(base: Recipe, mlp: Recipe, n_features: int, *, simulated: bool) -> dict[str, Output]:
    """All tables and figures by name.

    Parameters
    ----------
    base : Recipe
        Of the usual BCL training.
    mlp : Recipe
        Of the trainings of the paper's head whose widths are the question.
    n_features : int
        Of the base features.
    simulated : bool
        Whether features of another dimension can be had.
    """
    made = [
        _table1(base),
        _table2(mlp, n_features, simulated),
        _table3(mlp, n_features),
        _table4(base),
        _table5(base),
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
    part = Part("Trivial clusterings, base features and BCL", ("method",), SUMMARY, scorings)
    return Output("table1", "Table 1: what the scores say", [part])


def _table2(base: Recipe, n_features: int, simulated: bool) -> Output:
    variants = base_feature_variants(base, n_features, simulated=simulated)
    scorings = [Scoring(variant.name, scores.score_base_and_model, variant) for variant in variants]
    notes = () if simulated else ("Features of one dimension were given; run it on others in a folder of their own.",)
    part = Part("Base features", ("base features", "head", "method"), SUMMARY, scorings, notes=notes)
    return Output("table2", "Table 2: base features of different dimension", [part])


def _table3(base: Recipe, n_features: int) -> Output:
    variants = embedding_dimension_variants(base, n_features)
    scorings = [Scoring(variant.name, scores.score_dimension, variant) for variant in variants]
    part = Part("Dimension of the embedding", ("dimension", "head"), {"parameters": ",d", **SUMMARY}, scorings)
    return Output("table3", "Table 3: embedding dimension", [part])


def _table4(base: Recipe) -> Output:
    scorings = [Scoring(variant.name, scores.score_batch_size, variant) for variant in batch_variants(base)]
    part = Part("Tracks of a batch", ("batch",), {"people per batch": ",d", **SUMMARY}, scorings)
    return Output("table4", "Table 4: batch size", [part])


def _table5(base: Recipe) -> Output:
    scorings = [
        Scoring(variant.name, partial(scores.score_per_video, method=NAMES[variant.recipe.loss]), variant)
        for variant in all_losses(base)
    ]
    keys = ("video", "method")
    part = partial(Part, keys=keys, measures=PER_VIDEO, scorings=scorings, columns_are="video", facts=FACTS)
    own = part("Each loss at its own threshold", where=lambda record: bool(record["own threshold"]))
    note = "4 b of a loss without a ball: the radius that suits its embeddings of the training tracks best."
    other = part("Each loss at the other threshold", where=lambda record: not record["own threshold"], notes=(note,))
    return Output("table5", "Table 5: all losses, per video and over combined videos", [own, other])


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
    note = "The radius of DBSCAN and the level of FINCH are those with the highest NMI on the validation tracks."
    parts = [
        Part("Number of people known", ("method", "clustering"), SUMMARY, known),
        Part(
            "Number of people found without training", ("features", "clustering"), SUMMARY, unsupervised, notes=(note,)
        ),
        Part("Normalisation, and faces of a track in training", ("method", "clusters"), SUMMARY, changed),
    ]
    return Output("table6", "Table 6: known number of people, peers and ablations", parts)


def _figure4() -> Output:
    part = Part(
        "Tracks per identity", ("split", "rank"), {"tracks": ",d"}, [Scoring("identities", scores.tracks_per_identity)]
    )
    return Output(
        "figure4",
        "Figure 4: tracks per identity",
        [part],
        figures.draw_tracks_per_identity,
        is_figure=True,
        scores=False,
    )


def _figure5(base: Recipe) -> Output:
    scorings = [
        Scoring(variant.name, partial(scores.curve, method=NAMES[variant.recipe.loss]), variant)
        for variant in all_losses(base)
    ]
    measures = {"#Ch": ",d", "NMI": ".3f", "WCP": ".3f"}
    part = Part("All test videos together", ("method", "#Cl", "operating point"), measures, scorings)
    return Output(
        "figure5", "Figure 5: scores against the number of clusters", [part], figures.draw_curves, is_figure=True
    )


def _figure6(base: Recipe) -> Output:
    scorings = [Scoring("clusters", scores.clusters_of_a_video, loss_variant(base, "ball"))]
    part = Part("Clusters of a video", ("video", "cluster", "track", "person", "image"), {}, scorings)
    return Output("figure6", "Figure 6: the clusters", [part], figures.draw_clusters, is_figure=True)


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
    return [
        {
            **record,
            "loss": NAMES[str(record["loss"])],
            "tracks": len(codes),
            "batch": min(PAPER_BATCH, len(codes)),
            "paper seconds": LOSS_SECONDS_PER_EPOCH.get(str(record["loss"])),
        }
        for record in time_losses(codes, PAPER_BATCH)
    ]
