"""The command ``demo``: learn from some people, find others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bcl_fast._utils.extras import require
from bcl_fast._utils.files import atomic_outputs, check_folder
from bcl_fast.cli._bars import training_progress
from bcl_fast.cli._console import describe_tracks, say
from bcl_fast.cli._options import Force, Seed
from bcl_fast.cli._simulated_files import SPLITS
from bcl_fast.cli._tables import print_table, scores_table
from bcl_fast.training import Recipe

if TYPE_CHECKING:
    from bcl_fast.evaluation import EvaluationRow
    from bcl_fast.models import EmbeddingModel
    from bcl_fast.tracks import TrackSet

DEMO_SCALE = 0.1
DEMO_FILES = ("test.parquet", "model.safetensors", "clusters.csv", "demo.png")


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder; files of an earlier demonstration are replaced.")
    ] = Path("demo"),
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Simulate films, train on some people, cluster others: a table and a picture in half a minute."""
    run_demo(output, seed=seed, force=force)


def run_demo(
    folder: Path, *, seed: int = 0, scale: float = DEMO_SCALE, recipe: Recipe | None = None, force: bool = False
) -> list[EvaluationRow]:
    """Simulate films, train on some people, cluster others; print a table, draw a picture.

    Parameters
    ----------
    folder : Path
        Gets ``test.parquet``, ``model.safetensors``, ``clusters.csv`` and ``demo.png``; made if it is not there.
    seed, scale
        As for `bcl_fast.simulate.simulate_splits`.
    recipe : Recipe, optional
        Of the training; by default that of `bcl_fast.train`.
    force : bool, default False
        Replace files of these names too that are not of an earlier demonstration, which wrote all four.

    Returns
    -------
    rows : list of EvaluationRow
        Scores of the trained model on the people it has never seen.

    Raises
    ------
    InputError
        If the folder cannot be made or written to, or holds other files of these names.
    """
    require("the demonstration", "torch", "safetensors", "pyarrow", "matplotlib")
    start = time.perf_counter()
    force = force or all((folder / name).is_file() for name in DEMO_FILES)
    check_folder(folder, DEMO_FILES, force=force)
    from bcl_fast.simulate import simulate_splits
    from bcl_fast.training import train

    say("Films of invented people: some to train on, others (all different people) to test on.")
    splits = simulate_splits(scale, seed)
    for name, tracks in zip(SPLITS, splits, strict=True):
        say(f"  {name:<6}{describe_tracks(tracks)}")
    recipe = recipe or Recipe()
    say("Choosing a head and where to cut by people it has not seen, then training it on everybody:")
    with training_progress() as progress:
        result = train(
            splits.train,
            splits.val,
            recipe=recipe,
            on_fold=progress.on_fold,
            on_start=progress.on_start,
            on_epoch=progress.on_epoch,
            on_batch=progress.on_batch,
        )
    if result.comparison is not None:
        say(result.comparison.describe())
    rows = _show(splits.test, result.model, folder, force=force)
    say(f"{time.perf_counter() - start:.0f} seconds in all. To go on from here:")
    say(f"  bcl-fast evaluate {folder}/test.parquet --model {folder}/model.safetensors --raw")
    return rows


def _show(test: TrackSet, model: EmbeddingModel, folder: Path, *, force: bool) -> list[EvaluationRow]:
    from bcl_fast.cli._demo_picture import draw_demo
    from bcl_fast.evaluation import evaluate
    from bcl_fast.models import raw_embeddings
    from bcl_fast.results import cluster_tracks, write_result
    from bcl_fast.tracks import automatic_pairs, write_tracks

    embeddings, raw, threshold = model.embed_tracks(test), raw_embeddings(test), model.distance_threshold
    pairs = automatic_pairs(test)
    rows = evaluate(test, embeddings, distance_threshold=threshold, pairs=pairs, **model.clustering_options)
    say(f"Clusters of people never seen in training, cut at {threshold:.3f}, their number unknown to the method:")
    print_table(scores_table(rows, evaluate(test, raw, n_clusters="true")))
    clusters = cluster_tracks(test, embeddings, threshold, pairs=pairs, **model.clustering_options)
    with atomic_outputs(folder, DEMO_FILES, force=force) as (tracks_file, model_file, clusters_file, picture):
        write_tracks(test, tracks_file, force=True)
        model.save(model_file, force=True)
        write_result(clusters, clusters_file, force=True)
        draw_demo(test, raw, embeddings, model, picture)
    say(f"Picture: {folder / 'demo.png'}   clusters: {folder / 'clusters.csv'}")
    return rows
