"""Simulated tracks as files, and the demonstration: learn from some people, find others."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bcl_fast._utils.files import atomic_output, check_output
from bcl_fast.cli._console import describe_tracks, print_table, say, scores_table, training_progress
from bcl_fast.errors import InputError
from bcl_fast.training._recipe import Recipe

if TYPE_CHECKING:
    from bcl_fast.evaluation._evaluate import EvaluationRow
    from bcl_fast.models._model import EmbeddingModel
    from bcl_fast.simulate._films import Splits
    from bcl_fast.tracks._io import TrackSet

SPLITS = ("train", "val", "test")
DEMO_SCALE = 0.1
DEMO_RECIPE = Recipe(  # a short one for few people, chosen by validation NMI over four seeds
    head="residual", epochs=30, batch_size=1000, learning_rate=0.1, radius_learning_rate_factor=0.003
)
DEMO_FILES = ("test.parquet", "model.safetensors", "clusters.csv", "demo.png")


def simulate_to(
    output: Path, *, scale: float, seed: int, split: str = "test", test_shift: float = 0.0, force: bool = False
) -> None:
    """Write simulated tracks: all three splits into a folder, one of them to a file or standard output.

    Parameters
    ----------
    output : Path
        ``-`` or a name with a suffix is one file, anything else a folder, made if it is not there.
    scale, seed, test_shift
        As for `bcl_fast.simulate._films.simulate_splits`.
    split : {"train", "val", "test"}
        What goes to one file.
    force : bool, default False
        Replace existing files.

    Raises
    ------
    InputError
        If ``split``, ``scale`` or ``test_shift`` is not valid, or an output exists or cannot be written.
    """
    if split not in SPLITS:
        raise InputError(f"split must be train, val or test, got {split!r}")
    single = str(output) == "-" or (output.suffix != "" and not output.is_dir())
    if single:
        _check_single(output, force)
    else:
        check_folder(output, [f"{name}.parquet" for name in SPLITS], force=force)
    from bcl_fast.simulate._films import simulate_splits
    from bcl_fast.tracks._io import write_tracks

    splits = simulate_splits(scale, seed, test_shift=test_shift)
    if single:
        write_tracks(getattr(splits, split), output, force=force)
        say(f"{describe_tracks(getattr(splits, split))} -> {output}")
    else:
        _write_splits(splits, output, force)


def _check_single(output: Path, force: bool) -> None:
    if str(output) == "-":
        return
    if output.suffix.lower() not in (".parquet", ".npz"):
        raise InputError(f"simulated tracks go to a folder, a .parquet or .npz file, or '-', got {str(output)!r}")
    check_output(output, force=force)


def check_folder(folder: Path, names: list[str], *, force: bool) -> None:
    """Check that files can be written into a folder, which may yet have to be made in an existing one."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    else:
        check_output(folder)


def _write_splits(splits: Splits, folder: Path, force: bool) -> None:
    """Write all three files or none of them."""
    from bcl_fast.tracks._io import write_tracks

    new = not folder.exists()
    folder.mkdir(exist_ok=True)
    try:
        with ExitStack() as outputs:
            for name, tracks in zip(SPLITS, splits, strict=True):
                temporary = outputs.enter_context(atomic_output(folder / f"{name}.parquet", force=force))
                write_tracks(tracks, temporary, force=True)
    except BaseException:
        if new:
            folder.rmdir()
        raise
    for name, tracks in zip(SPLITS, splits, strict=True):
        say(f"{describe_tracks(tracks)} -> {folder / name}.parquet")


def run_demo(
    folder: Path, *, seed: int = 0, scale: float = DEMO_SCALE, recipe: Recipe = DEMO_RECIPE
) -> list[EvaluationRow]:
    """Simulate films, train on some people, cluster others; print a table, draw a picture.

    Parameters
    ----------
    folder : Path
        Gets ``test.parquet``, ``model.safetensors``, ``clusters.csv`` and ``demo.png``; made if it is not there.
    seed, scale
        As for `bcl_fast.simulate._films.simulate_splits`.
    recipe : Recipe
        Of the training.

    Returns
    -------
    rows : list of EvaluationRow
        Scores of the trained model on the people it has never seen.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    start = time.perf_counter()
    check_folder(folder, list(DEMO_FILES), force=True)
    from bcl_fast.simulate._films import simulate_splits
    from bcl_fast.training._train import train

    say("Films of invented people: some to train on, others (all different people) to test on.")
    splits = simulate_splits(scale, seed)
    for name, tracks in zip(SPLITS, splits, strict=True):
        say(f"  {name:<6}{describe_tracks(tracks)}")
    say(f"Training the head and the radius of its balls ({recipe.epochs} epochs):")
    with training_progress(recipe.epochs) as progress:
        result = train(splits.train, splits.val, recipe=recipe, on_epoch=progress.on_epoch, on_batch=progress.on_batch)
    folder.mkdir(exist_ok=True)
    rows = _show(splits.test, result.model, folder)
    say(f"{time.perf_counter() - start:.0f} seconds in all. To go on from here:")
    say(f"  bcl-fast evaluate {folder}/test.parquet --model {folder}/model.safetensors --raw")
    return rows


def _show(test: TrackSet, model: EmbeddingModel, folder: Path) -> list[EvaluationRow]:
    from bcl_fast.cli._demo_picture import draw_demo
    from bcl_fast.evaluation._evaluate import evaluate, raw_embeddings
    from bcl_fast.results._files import write_result
    from bcl_fast.results._result import cluster_tracks
    from bcl_fast.tracks._io import write_tracks
    from bcl_fast.tracks._pairs import automatic_pairs

    embeddings, raw, threshold = model.embed_tracks(test), raw_embeddings(test), model.distance_threshold
    pairs = automatic_pairs(test)
    rows = evaluate(test, embeddings, distance_threshold=threshold, pairs=pairs)
    say(f"Clusters of people never seen in training, cut at 4 b = {threshold:.3f}, their number unknown to the method:")
    print_table(scores_table(rows, evaluate(test, raw, n_clusters="true")))
    write_tracks(test, folder / "test.parquet", force=True)
    model.save(folder / "model.safetensors", force=True)
    write_result(cluster_tracks(test, embeddings, threshold, pairs=pairs), folder / "clusters.csv", force=True)
    draw_demo(test, raw, embeddings, threshold, folder / "demo.png")
    say(f"Picture: {folder / 'demo.png'}   clusters: {folder / 'clusters.csv'}")
    return rows
